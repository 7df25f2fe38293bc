import type { Socket } from 'node:net';

/** Characters of a line that the other side has not ended. */
const LONGEST = 1000;

/** Calls `take` for each line that a socket receives. Errors of the socket are followed by its end. */
export function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!.slice(0, LONGEST);
    lines.forEach(take);
  });
  socket.on('error', () => {});
}
