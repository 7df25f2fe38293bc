import type { RecordedKind, RunConfig, RunKind } from '../kind.ts';
import { detecting } from './detect.ts';
import { finetuning } from './finetune.ts';
import { knnReport } from './knn.ts';
import { linearProbe } from './linprobe.ts';
import { pretraining } from './pretrain.ts';
import { segmenting } from './segment.ts';

/** Everything that leaves a folder which can be reported, in the order of a report. */
export const recordedKinds: readonly RecordedKind[] = [
  pretraining,
  knnReport,
  linearProbe,
  finetuning,
  segmenting,
  detecting,
];

/** The kinds whose runs write checkpoints and resume. */
export const runKinds: readonly RunKind<RunConfig>[] = [pretraining, finetuning, segmenting, detecting];

/** The kind that `config.json` names; pre-training where it names none or an unknown one. */
export function recordedKind(name: unknown): RecordedKind {
  return recordedKinds.find((kind) => kind.name === name) ?? pretraining;
}
