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

/** The watch of rank 0, and the numbers that it shares. */
async function rank0() {
  let numbers: readonly number[] = [];
  const watch = await watchRanks({ rank: 0, size: SIZE, localSize: SIZE }, async (own) => {
    numbers = own;
    return own;
  });
  opened.push({ close: () => watch.close(false) });
  return { watch, numbers };
}

/** A connection to rank 0 as another process makes it. */
async function peer([port, token]: readonly number[], rank: number): Promise<Socket> {
  const socket = connect(port!, '127.0.0.1');
  opened.push({ close: () => socket.destroy() });
  socket.write(`${token} rank ${rank} of ${SIZE} (process 4711 on node${rank})\n`);
  const [answer] = await once(socket, 'data');
  expect(`${answer}`).toMatch(new RegExp(`^${token} rank 0 of ${SIZE} \\(process \\d+ on .+\\)\n$`));
  return socket;
}

/** The watch of another rank in this process. */
async function otherRank(rank: number, numbers: readonly number[]): Promise<RanksWatch> {
  const watch = await watchRanks({ rank, size: SIZE, localSize: SIZE }, async () => numbers);
  opened.push({ close: () => watch.close(false) });
  await setTimeout(100);
  return watch;
}

const NOTHING = 'nothing';
const outcome = (watch: RanksWatch, milliseconds: number) =>
  Promise.race([watch.lost, setTimeout(milliseconds, NOTHING)]).catch((error) => error);

describe('the watch of ranks', () => {
  it('names a rank whose process ends, on rank 0 at once', async () => {
    const { watch, numbers } = await rank0();
    await peer(numbers, 1);
    const second = await peer(numbers, 2);
    expect(await outcome(watch, 100)).toBe(NOTHING);
    second.destroy();
    const error = await outcome(watch, 1000);
    expect(error).toBeInstanceOf(LostRank);
    expect(error.message).toBe(
      'rank 2 of 3 (process 4711 on node2) ended before the run did: it was killed, or its host failed',
    );
    expect(error.isReported).toBe(false);
  });

  it('hands the name on to the others, which leave the report to rank 0', async () => {
    const { watch, numbers } = await rank0();
    const other = await otherRank(1, numbers);
    (await peer(numbers, 2)).destroy();
    const error = await outcome(other, 1000);
    expect(error.message).toContain('rank 2 of 3 (process 4711 on node2) ended');
    expect(error.isReported).toBe(true);
    expect((await outcome(watch, 100)).isReported).toBe(false);
  });

  it("takes the end of a rank's run for no loss", async () => {
    const { watch, numbers } = await rank0();
    const other = await otherRank(1, numbers);
    other.close(false);
    (await peer(numbers, 2)).end('done\n');
    expect(await outcome(watch, 300)).toBe(NOTHING);
    watch.close(false);
    expect(await outcome(other, 300)).toBe(NOTHING);
  });

  it('leaves the report of an error to the rank that has it', async () => {
    const { watch, numbers } = await rank0();
    const other = await otherRank(1, numbers);
    other.close(true);
    expect(await outcome(watch, 1000)).toBe(NOTHING);
    const error = await outcome(watch, 5000);
    expect(error.message).toContain('rank 1 of 3');
    expect(error.message).toContain('ended with an error');
    expect(error.isReported).toBe(true);
  });

  it('ignores connections without the token', async () => {
    const { watch, numbers } = await rank0();
    const socket = connect(numbers[0]!, '127.0.0.1');
    let answer = '';
    socket.on('data', (text) => {
      answer += text;
    });
    socket.write(`${numbers[1]! + 1} rank 1 of ${SIZE}\n`);
    await once(socket, 'close');
    expect(answer).toBe('');
    expect(await outcome(watch, 300)).toBe(NOTHING);
  });

  it('trains without a watch where rank 0 cannot be reached', async () => {
    const { numbers, watch } = await rank0();
    watch.close(false);
    const other = await otherRank(2, numbers);
    expect(await outcome(other, 300)).toBe(NOTHING);
  });
});
