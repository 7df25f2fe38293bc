import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import type { World } from '../engines/mpi/launcher.ts';
import { LostRank } from './lost-rank.ts';

/** Watches the processes of the other ranks. */
export interface RanksWatch {
  /** Rejects with LostRank when another rank's process ends before the run. */
  readonly lost: Promise<never>;
  /** Ends the watch. @param failed true: this rank ends with an error, which it reports itself */
  close(failed: boolean): void;
}

/** Milliseconds that a rank has to report its error, before the others end too. */
const AFTER_YOU = 3000;
/** Milliseconds in which an address must answer. */
const ANSWER = 3000;
/** Number of addresses of rank 0 that are handed out. */
const ADDRESSES = 8;
const LOOPBACK = '127.0.0.1';
/** Milliseconds after which the system begins to ask a silent host whether it is there. */
const KEEP_ALIVE = 30_000;
/** Characters of a line that a peer has not ended. */
const LONGEST = 1000;
/** Beginning of the line by which rank 0 hands on that a rank has ended. */
const LOST = 'lost: ';

/**
 * Connects all ranks to rank 0. The system closes the connections of a process that ends, however it ends, so that all
 * others hear of it at once. They would otherwise wait in MPI until the launcher ends them: some launchers take half a
 * minute, and some do not name the rank. A rank that cannot reach rank 0 is not watched.
 * @param sum sums numbers over all ranks
 */
export async function watchRanks(
  world: World,
  sum: (numbers: readonly number[]) => Promise<readonly number[]>,
): Promise<RanksWatch> {
  const watch = new Watch(world);
  const server = world.rank === 0 ? await listen(world) : undefined;
  const own = server ? [portOf(server), randomInt(2 ** 32), ...addresses(world)] : [];
  const shared = await sum(Array.from({ length: 2 + ADDRESSES }, (_, i) => own[i] ?? 0));
  const [port, token, ...found] = shared as [number, number, ...number[]];
  if (server) watch.listen(server, token);
  else if (port > 0) watch.connect(found.filter(Boolean).map(textOf), port, token);
  return watch;
}

class Watch implements RanksWatch {
  readonly lost: Promise<never>;
  readonly #world: World;
  #lose!: (error: LostRank) => void;
  #isOpen = true;
  #server: Server | undefined;
  /** Names of the ranks by their connections: all others on rank 0, rank 0 on the others. */
  readonly #peers = new Map<Socket, string>();

  constructor(world: World) {
    this.#world = world;
    this.lost = new Promise((_, reject) => {
      this.#lose = reject;
    });
    this.lost.catch(() => {}); // whoever awaits it gets the error
  }

  /** On rank 0: takes the connections of the others. */
  listen(server: Server, token: number): void {
    this.#server = server;
    server.on('connection', (socket) => this.#greet(socket, token));
  }

  /** On another rank: connects to rank 0 by the first address that answers. */
  async connect(hosts: readonly string[], port: number, token: number): Promise<void> {
    for (const host of hosts) {
      const socket = new Socket();
      socket.connect(port, host);
      let met = false;
      this.#greet(socket, token, () => {
        met = true;
      });
      await once(socket, 'close').catch(() => {});
      if (met || !this.#isOpen) return;
    }
  }

  close(failed: boolean): void {
    this.#isOpen = false;
    this.#server?.close();
    this.#say(failed ? 'failed' : 'done');
  }

  #say(word: string): void {
    for (const socket of this.#peers.keys()) socket.end(`${word}\n`);
  }

  /** Exchanges names, each after the token, which rank 0 shows to nobody without it; then waits for the end. */
  #greet(socket: Socket, token: number, onMet = () => {}): void {
    const { rank, size } = this.#world;
    socket.unref();
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.setTimeout(ANSWER, () => socket.destroy());
    socket.on('error', () => {}); // 'close' follows
    const introduce = () =>
      socket.write(`${token} rank ${rank} of ${size} (process ${process.pid} on ${hostname()})\n`);
    if (!this.#server) introduce();
    let [last, rest] = ['', ''];
    const take = (line: string) => {
      last = line;
      if (this.#peers.has(socket)) return;
      if (!line.startsWith(`${token} `)) {
        socket.destroy();
        return;
      }
      socket.setTimeout(0);
      if (this.#server) introduce();
      this.#peers.set(socket, line.slice(`${token} `.length));
      onMet();
      if (!this.#isOpen) socket.end('done\n');
    };
    socket.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(0, LONGEST);
      lines.forEach(take);
    });
    socket.on('close', () => {
      const name = this.#peers.get(socket);
      this.#peers.delete(socket);
      if (name !== undefined && this.#isOpen && last !== 'done') this.#end(name, last);
    });
  }

  /** @param last the last line of the rank that has ended */
  #end(name: string, last: string): void {
    if (last === 'failed') {
      const error = new LostRank(`${name} ended with an error`, true);
      setTimeout(() => this.#lose(error), AFTER_YOU).unref();
    } else if (last.startsWith(LOST)) this.#lose(new LostRank(last.slice(LOST.length), true));
    else {
      const message = `${name} ended before the run did: it was killed, or its host failed`;
      this.#isOpen = false;
      if (this.#server) this.#say(LOST + message);
      this.#lose(new LostRank(message, this.#world.rank > 1));
    }
  }
}

async function listen({ size, localSize }: World): Promise<Server | undefined> {
  const server = createServer().unref();
  try {
    server.listen(0, size === localSize ? LOOPBACK : '0.0.0.0');
    await once(server, 'listening');
    return server;
  } catch {
    return undefined; // the ranks train without a watch
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Addresses of this host, as numbers. */
function addresses({ size, localSize }: World): number[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outer = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  const found = size === localSize ? [LOOPBACK] : outer.map(({ address }) => address);
  return found
    .slice(0, ADDRESSES)
    .map((text) => text.split('.').reduce((n, part) => 256 * n + Number(part), 0));
}

const textOf = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
