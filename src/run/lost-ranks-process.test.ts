import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { workerScript } from '../io/worker-script.ts';
import type { Watched } from './lost-ranks.ts';

const script = fileURLToPath(workerScript(import.meta.url, 'lost-ranks-process'));

/** The process that watches three ranks, with their connections. */
async function watched() {
  const child = fork(script, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  const order: Watched = { token: 7, host: '127.0.0.1', size: 3 };
  child.send(order);
  let printed = '';
  child.stderr!.on('data', (text) => {
    printed += text;
  });
  const [port] = (await once(child, 'message')) as [number];
  child.disconnect();
  const ranks = await Promise.all(
    [0, 1, 2].map(async (rank): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.write(`7 ${rank} of 3 (process ${100 + rank} on node${rank})\n`);
      return socket;
    }),
  );
  await setTimeout(200);
  const ended = once(child, 'exit').then(async ([status]) => {
    await setTimeout(200); // in which the rest of the output comes
    return status;
  });
  return { ranks, ended, printed: () => printed };
}

it('one line names a rank whose process has ended, also rank 0 and when all others end too', async () => {
  const { ranks, ended, printed } = await watched();
  ranks[0]!.destroy();
  await setTimeout(20);
  for (const each of ranks) each.destroy();
  expect(await ended).toBe(0);
  expect(printed()).toBe(
    'rank 0 of 3 (process 100 on node0) was killed, or its host failed: all 3 ranks end, and resume with --resume\n',
  );
});

it('a line names the rank that does not say that it waits; a run that ends well prints nothing', async () => {
  const { ranks, ended, printed } = await watched();
  for (const rank of [0, 2]) ranks[rank]!.write('waits\n');
  await setTimeout(11_000);
  expect(printed()).toBe('rank 1 of 3 (process 101 on node1) is stuck: all other ranks wait in a step\n');
  ranks[1]!.write('waits\n'); // late, when it continues
  await setTimeout(11_000);
  expect(printed().split('\n')).toHaveLength(2);
  for (const each of ranks) each.end('done\n');
  expect(await ended).toBe(0);
  expect(printed()).not.toContain('killed');
});
