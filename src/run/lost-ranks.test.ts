import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LostRank } from './lost-rank.ts';
import { type RanksWatch, watchRanks } from './lost-ranks.ts';

const SIZE = 3;
const opened: { close(): void }[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** The watch of a rank in this process, and the numbers that rank 0 shares: token, port, addresses. */
async function watchOf(rank: number, shared?: readonly number[]) {
  let numbers: readonly number[] = [];
  const watch = await watchRanks({ rank, size: SIZE, localSize: SIZE }, async (own) => {
    numbers = shared ?? own;
    return numbers;
  });
  opened.push({ close: () => watch.close(false) });
  await setTimeout(200); // in which it connects
  return { watch, numbers };
}

/** A connection as another process makes it. */
async function peer([token, port]: readonly number[], rank: number): Promise<Socket> {
  const socket = connect(port!, '127.0.0.1');
  opened.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  socket.write(`${token} ${rank} of ${SIZE} (process 4711 on node${rank})\n`);
  await setTimeout(200);
  return socket;
}

const NOTHING = 'nothing';
const outcome = (watch: RanksWatch, milliseconds: number) =>
  Promise.race([watch.lost, setTimeout(milliseconds, NOTHING)]).catch((error) => error);

describe('the watch of ranks', () => {
  it.each([1, 2])('names rank %i on all others when its process ends', async (rank) => {
    const { watch, numbers } = await watchOf(0);
    const other = await watchOf(3 - rank, numbers);
    const lost = await peer(numbers, rank);
    expect(await outcome(watch, 100)).toBe(NOTHING);
    lost.destroy();
    for (const each of [watch, other.watch]) {
      const error = await outcome(each, 2000);
      expect(error).toBeInstanceOf(LostRank);
      expect(error.message).toBe(
        `rank ${rank} of 3 (process 4711 on node${rank}) was killed, or its host failed`,
      );
    }
  });

  it("takes the end of a rank's run for no loss", async () => {
    const { watch, numbers } = await watchOf(0);
    const other = await watchOf(1, numbers);
    other.watch.close(false);
    (await peer(numbers, 2)).end('done\n');
    expect(await outcome(watch, 500)).toBe(NOTHING);
    watch.close(false);
    expect(await outcome(other.watch, 300)).toBe(NOTHING);
  });

  it('leaves time for the report of an error to the rank that has it', async () => {
    const { watch, numbers } = await watchOf(0);
    const other = await watchOf(1, numbers);
    other.watch.close(true);
    expect(await outcome(watch, 1000)).toBe(NOTHING);
    const error = await outcome(watch, 5000);
    expect(error.message).toContain('rank 1 of 3');
    expect(error.message).toContain('ended with an error');
  });

  it('ignores connections without the token', async () => {
    const { watch, numbers } = await watchOf(0);
    const [token, port] = numbers as [number, number];
    const socket = await peer([token + 1, port], 1);
    expect(socket.closed || socket.readableEnded || socket.destroyed).toBe(true);
    expect(await outcome(watch, 300)).toBe(NOTHING);
  });

  it('is none where nobody can be reached', async () => {
    const { numbers, watch } = await watchOf(0);
    watch.close(false);
    await setTimeout(300); // in which its process ends
    const other = await watchOf(2, numbers);
    expect(await outcome(other.watch, 300)).toBe(NOTHING);
    other.watch.close(false);
  });
});
