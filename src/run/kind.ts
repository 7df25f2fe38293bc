import type { z } from 'zod';
import type { Sized } from '../config/cost.ts';
import type { DetectConfig } from '../config/detect-schema.ts';
import type { Config } from '../config/schema.ts';
import type { ClassifierConfig } from '../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../models/config.ts';
import type { DetectorConfig } from '../models/detector.ts';
import type { SegmenterConfig } from '../models/segmenter.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { NamedTarget } from '../nn/targets/target.ts';
import type { MetricsRow, Point } from '../visualize/series.ts';

/** A kind of work that leaves a folder with settings and metrics: what the folder is called and how a report shows it. */
export interface RecordedKind {
  /** `kind` in `config.json`, absent there for pre-training; also the command. */
  readonly name: string;
  /** In headings: `pre-training`. */
  readonly title: string;
  /** Pre-training makes models; all other kinds judge one, or train it further and judge that. */
  readonly role: 'pretrain' | 'judge';
  /** Its settings, where it has some: `list` shows them. */
  readonly schema?: z.ZodType;
  /** Curves of its metrics, in the order of a report. */
  readonly panels: readonly RecordedPanel[];
  /**
   * The column of a report in which its last score stands, by its settings (values by path): columns stand in the order of the kinds, those
   * of one kind by the first number in them. Absent for a kind whose rows hold kNN reports instead.
   */
  column?(settings: ReadonlyMap<string, unknown>): string;
  /** The score of its rows that stands there. Default: `top1`. */
  readonly score?: 'top1' | 'mIoU' | 'boxAP';
}

/** A curve of a kind of run. */
export interface RecordedPanel {
  readonly title: string;
  /** True: values are shares, shown in percent. */
  readonly percent?: boolean;
  points(rows: readonly MetricsRow[]): readonly Point[];
}

/** A kind of training: its settings, and the checkpoints it writes. */
export interface RunKind<C extends RunConfig> extends RecordedKind {
  /** `kind` in the metadata of its checkpoints. */
  readonly checkpoint: string;
  /** The option of its command that starts a run from given weights. */
  readonly startOption: string;
  readonly schema: z.ZodType;
  /** Completes and checks settings. Throws ConfigError. */
  parse(input: unknown): C;
  /** Settings that may change on resume: run length, logging, micro-batch and engine; nothing that changes what is learned. */
  readonly changeable: readonly RegExp[];
  /** The model that a checkpoint with these settings holds. Throws RangeError where the checkpoint says too little. */
  model(config: C, checkpoint: CheckpointContents): CheckpointModel;
}

/** The parts of a checkpoint that its model depends on. */
export interface CheckpointContents {
  /** Names of its classes. */
  readonly classes?: readonly string[] | undefined;
  /** Targets of the user's own. */
  readonly targets?: readonly NamedTarget[] | undefined;
  /** True if it holds a tensor of that name. */
  has(name: string): boolean;
}

/** The model of a checkpoint: its sizes, and the tensors that belong to it. */
export interface CheckpointModel {
  readonly encoder: EncoderConfig;
  /** With the decoder, where the checkpoint has one. */
  readonly decoder?: AutoencoderConfig;
  readonly classifier?: ClassifierConfig;
  readonly segmenter?: SegmenterConfig;
  readonly detector?: DetectorConfig;
  readonly classes?: readonly string[];
  readonly specs: readonly ParameterSpec[];
}

/** The settings that all kinds have. */
export type RunConfig = Pick<
  Config,
  'recipe' | 'seed' | 'from' | 'training' | 'checkpoints' | 'engine' | 'own'
> & {
  /** Not every kind has the crops of classification. */
  readonly data: Omit<Config['data'], 'scale' | 'ratio' | 'evaluationCrop' | 'evaluationView'> &
    Partial<Pick<Config['data'], 'scale' | 'ratio' | 'evaluationCrop' | 'evaluationView'>>;
  readonly training: { readonly schedule?: DetectConfig['training']['schedule'] };
  readonly model: Sized['model'];
  /** Of pre-training. */
  readonly task?: Config['task'];
};

/** Settings that may change on resume whatever the kind. */
export const alwaysChangeable: readonly RegExp[] = [
  /^training\.(epochs|maxSteps|microBatch|learningRate|minLearningRate|clip|nonFinite)$/,
  /^(checkpoints|evaluation|engine)\./,
  /^own\.(evaluators|sources)$/,
];
