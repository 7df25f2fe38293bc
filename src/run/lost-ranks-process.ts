import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Watched } from './lost-ranks.ts';
import { onLines } from './socket-lines.ts';

// Started by rank 0, and left alone by launchers that kill all ranks when one has died: it still says which one that was.

/** Milliseconds in which a connection must show the token, and in which the first rank must connect. */
const LIMIT = 10_000;
/** Milliseconds after which the system begins to ask a silent host whether it is there. */
const KEEP_ALIVE = 30_000;

const [{ token, host, size }] = (await once(process, 'message')) as [Watched];
/** Milliseconds after the first rank that waits, in which the others report that they wait too. */
const TOGETHER = 10_000;

/** Names of the ranks by their connections. */
const ranks = new Map<Socket, string>();
/** Ranks that wait for others in a step. */
const waiting = new Set<Socket>();
const server = createServer(greet);
server.listen(0, host, () => process.send!((server.address() as AddressInfo).port));
process.on('disconnect', () => {}); // rank 0 has the port, or has died
setTimeout(endIfAlone, LIMIT);

function greet(socket: Socket): void {
  let last = '';
  socket.setKeepAlive(true, KEEP_ALIVE);
  socket.setTimeout(LIMIT, () => socket.destroy());
  onLines(socket, (line) => {
    if (ranks.has(socket) && line === 'waits') wait(socket);
    else if (ranks.has(socket)) last = line;
    else if (!line.startsWith(`${token} `)) socket.destroy();
    else {
      socket.setTimeout(0);
      ranks.set(socket, `rank ${line.slice(`${token} `.length)}`);
    }
  });
  socket.on('close', () => {
    const name = ranks.get(socket);
    ranks.delete(socket);
    if (name !== undefined && last !== 'done') end(name, last === 'failed');
    endIfAlone();
  });
}

/** A rank has ended before the run. It reports its error itself, if it had one. */
function end(name: string, failed: boolean): void {
  const message = failed ? `${name} ended with an error` : `${name} was killed, or its host failed`;
  if (!failed) console.error(`${message}: all ${size} ranks end, and resume with --resume`);
  for (const socket of ranks.keys()) socket.end(`${failed ? 'failed' : 'lost'} ${message}\n`);
  ranks.clear();
}

/** A rank has waited for others for long. One that does not say the same is stopped, or its host hangs. */
function wait(socket: Socket): void {
  if (waiting.size === 0) setTimeout(nameStuck, TOGETHER);
  waiting.add(socket);
}

function nameStuck(): void {
  const stuck = [...ranks].flatMap(([socket, name]) => (waiting.has(socket) ? [] : [name]));
  waiting.clear();
  const what = stuck.length > 0 ? stuck.join(', ') : 'an engine, or the network between hosts,';
  if (ranks.size > 0) console.error(`${what} is stuck: all other ranks wait in a step`);
}

function endIfAlone(): void {
  if (ranks.size === 0) process.exit();
}
