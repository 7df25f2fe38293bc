import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { World } from '../engines/mpi/launcher.ts';
import { workerScript } from '../io/worker-script.ts';
import { LostRank } from './lost-rank.ts';
import { onLines } from './socket-lines.ts';

/** Order to the process that watches. */
export interface Watched {
  /** Shown by all who connect. */
  readonly token: number;
  /** Address on which it listens. */
  readonly host: string;
  /** Number of ranks. */
  readonly size: number;
}

/** Watches the processes of the other ranks. */
export interface RanksWatch {
  /** Rejects with LostRank when another rank's process ends before the run. */
  readonly lost: Promise<never>;
  /** Reports that this rank has waited for others for long, so that the one that does not is named. */
  waits(): void;
  /** Ends the watch of this process. @param failed true: it ends with an error, which it reports itself */
  close(failed: boolean): void;
}

/** Milliseconds that a rank has to report its error, before the others end too. */
const AFTER_YOU = 3000;
/** Milliseconds in which an address must answer. */
const ANSWER = 3000;
/** Number of addresses of rank 0 that are handed out. */
const ADDRESSES = 8;
const LOOPBACK = '127.0.0.1';

const script = fileURLToPath(workerScript(import.meta.url, 'lost-ranks-process'));

/**
 * Connects all ranks to a process beside rank 0. The system closes the connections of a process that ends, however it ends, so that
 * the others hear of it at once, and one line on the standard error of rank 0 names it. They would otherwise wait in MPI until the
 * launcher ends them: some launchers take half a minute, and some name another process. A rank that cannot connect is not watched.
 * @param sum sums numbers over all ranks
 */
export async function watchRanks(
  world: World,
  sum: (numbers: readonly number[]) => Promise<readonly number[]>,
): Promise<RanksWatch> {
  const token = randomInt(2 ** 32);
  const own = world.rank === 0 ? [token, await startWatching(world, token), ...addresses(world)] : [];
  const shared = await sum(Array.from({ length: 2 + ADDRESSES }, (_, i) => own[i] ?? 0));
  const [known, port, ...hosts] = shared as [number, number, ...number[]];
  return watchBy(world, known, port, hosts.filter(Boolean).map(textOf));
}

/** Starts the process, and returns its port; 0 if it cannot be started. */
async function startWatching({ size, localSize }: World, token: number): Promise<number> {
  const child = fork(script, { detached: true, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.unref();
  try {
    const order: Watched = { token, host: size === localSize ? LOOPBACK : '0.0.0.0', size };
    child.send(order);
    const [port] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [0])]);
    if (child.connected) child.disconnect();
    return port;
  } catch {
    return 0;
  }
}

/** Connects by the first address that answers. */
function watchBy({ rank, size }: World, token: number, port: number, hosts: readonly string[]): RanksWatch {
  let lose!: (error: LostRank) => void;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => {}); // whoever awaits it gets the error
  let socket: Socket | undefined;
  let isOpen = true;

  async function join(host: string): Promise<boolean> {
    const found = new Socket();
    found.unref();
    found.setTimeout(ANSWER, () => found.destroy());
    onLines(found, (line) => {
      const [, kind, message] = /^(lost|failed) (.*)$/.exec(line) ?? [];
      if (!isOpen || message === undefined) return;
      const error = new LostRank(message);
      if (kind === 'lost') lose(error);
      else setTimeout(AFTER_YOU, undefined, { ref: false }).then(() => lose(error));
    });
    found.connect(port, host);
    try {
      await once(found, 'connect');
    } catch {
      return false;
    }
    found.setTimeout(0);
    found.write(`${token} ${rank} of ${size} (process ${process.pid} on ${hostname()})\n`);
    socket = found;
    return true;
  }

  (async () => {
    if (port > 0) for (const host of hosts) if (!isOpen || (await join(host))) break;
    if (!isOpen) socket?.end('done\n');
  })();
  return {
    lost,
    waits() {
      socket?.write('waits\n');
    },
    close(failed) {
      isOpen = false;
      socket?.end(failed ? 'failed\n' : 'done\n');
    },
  };
}

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
