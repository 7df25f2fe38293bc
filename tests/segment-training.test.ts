import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { SegmentInput } from '../src/config/segment-schema.ts';
import { writeShapes } from '../src/data/shapes/write.ts';
import type { SegmentEvent } from '../src/run/events.ts';
import { trainSegmenter } from '../src/segment.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Written by tests/oracle/make_segment_training_fixture.py with PyTorch's layers and optimizer.
const fixture = new URL('./fixtures/segment-training.json', import.meta.url);
const folder = temporaryFolder();

it('a run has the losses of PyTorch: views, masks, warm-up, layer decay, both heads', async () => {
  const { settings, losses } = JSON.parse(await readFile(fixture, 'utf8')) as {
    settings: SegmentInput;
    losses: number[];
  };
  const shapes = join(folder, 'shapes');
  await writeShapes(shapes, { train: 4, val: 1, size: 16, seed: 21 });
  const got: number[] = [];
  const onEvent = (event: SegmentEvent) => void (event.type === 'step' && got.push(event.row.loss!));
  await trainSegmenter(
    {
      ...settings,
      data: { ...settings.data, source: `masks:${shapes}` },
      evaluation: { every: 20, pictures: 0 },
      engine: { name: 'reference' },
    },
    { output: join(folder, 'run'), onEvent },
  );
  expect(got).toHaveLength(losses.length);
  for (const [step, loss] of losses.entries())
    expect(Math.abs(got[step]! / loss - 1), `step ${step + 1}`).toBeLessThan(1e-6);
});
