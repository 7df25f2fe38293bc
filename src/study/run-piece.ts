import { join } from 'node:path';
import { resolveConfig } from '../config/recipes.ts';
import { microBatchOf } from '../config/rules.ts';
import type { Config } from '../config/schema.ts';
import { trainDetector } from '../detect.ts';
import { knn } from '../evaluate/knn/knn-report.ts';
import { linprobe } from '../evaluate/probe/linprobe.ts';
import { finetune } from '../finetune.ts';
import { initialise } from '../nn/init.ts';
import { pretrain } from '../pretrain.ts';
import { saveCheckpoint } from '../run/checkpoint.ts';
import type { Outcome } from '../run/events.ts';
import { prepareRunFolder, runFolder, writeConfig } from '../run/folder.ts';
import { pretraining } from '../run/kinds/pretrain.ts';
import { checkpointName } from '../run/run-files.ts';
import { setUp } from '../run/setup-pretrain.ts';
import type { TrainingEvent } from '../run/tensorboard.ts';
import { trainSegmenter } from '../segment.ts';
import type { RunPiece, StudyEvent } from './runner.ts';

/** Runs pieces by the calls of the library. Training resumes from its newest checkpoint. */
export function pieceRunner(onEvent: (event: StudyEvent) => void, signal?: AbortSignal): RunPiece {
  const given = { resume: true, ...(signal && { signal }) };
  return async (piece, folder, from) => {
    const training = { ...given, output: folder, onEvent: (event: TrainingEvent) => show(event, onEvent) };
    const watched = {
      ...(signal && { signal }),
      onProgress: (what: string, done: number, total: number) =>
        onEvent({ type: 'progress', done: done / total, text: `${what} ${done}/${total}` }),
      onNote: (message: string) => onEvent({ type: 'note', message }),
    };
    try {
      if (piece.kind === 'initial') await writeInitialModel(resolveConfig(piece.settings), folder);
      else if (piece.kind === 'pretrain') return ended(await pretrain(piece.settings, training));
      else if (piece.kind === 'finetune')
        return ended(await finetune(piece.settings, { ...training, from: from! }));
      else if (piece.kind === 'segment')
        return ended(await trainSegmenter(piece.settings, { ...training, from: from! }));
      else if (piece.kind === 'detect')
        return ended(await trainDetector(piece.settings, { ...training, from: from! }));
      else if (piece.kind === 'knn') await knn(from!, { ...piece.settings, ...watched, output: folder });
      else if (piece.kind === 'linear')
        await linprobe(from!, { ...watched, settings: piece.settings, output: folder });
      return 'finished';
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return 'interrupted';
      throw error;
    }
  };
}

function ended({ outcome }: { readonly outcome: Outcome }): 'finished' | 'interrupted' {
  return outcome === 'interrupted' ? 'interrupted' : 'finished';
}

/** A model with random weights as a run of no steps, for judges that take a model. */
async function writeInitialModel(config: Config, path: string): Promise<void> {
  const folder = runFolder(path);
  const { specs } = setUp(config).programs(microBatchOf(config.training));
  await writeConfig(folder, pretraining, config);
  await prepareRunFolder(folder);
  await saveCheckpoint(join(path, checkpointName(0)), {
    kind: pretraining,
    config,
    progress: {
      step: 0,
      skipped: 0,
      epoch: 0,
      cursor: { epoch: 0, position: 0 },
      data: '',
      engine: 'none',
    },
    state: initialise(specs, config.seed),
    parameters: specs,
    slots: [],
  });
}

function show(event: TrainingEvent, onEvent: (event: StudyEvent) => void): void {
  if (event.type === 'note') onEvent(event);
  if (event.type !== 'step') return;
  const { row, lastStep } = event;
  const text = `step ${row.step}/${lastStep}  loss ${row.loss?.toFixed(4)}  ${row.imagesPerSecond} img/s`;
  onEvent({ type: 'progress', done: row.step / lastStep, text });
}
