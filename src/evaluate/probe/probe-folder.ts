import { rm } from 'node:fs/promises';
import { type FinetuneConfig, parseFinetuneConfig } from '../../config/finetune-schema.ts';
import type { ProbeRun } from '../../config/linprobe-schema.ts';
import type { Engine } from '../../engines/engine.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { appendRow, truncateAfter } from '../../io/jsonl.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { classifierParameters } from '../../models/classifier.ts';
import type { FeatureConfig } from '../../programs/features.ts';
import { saveCheckpoint } from '../../run/checkpoint.ts';
import type { LinprobeEvent, StepRow } from '../../run/events.ts';
import { bestCheckpointPath, type RunFolder, requireSame, runFolder } from '../../run/folder.ts';
import { finetuning } from '../../run/kinds/finetune.ts';
import { linearProbe } from '../../run/kinds/linprobe.ts';
import { RunLock } from '../../run/lock.ts';
import { appendSitting, type Judged } from '../../run/sittings.ts';
import type { Model } from '../../weights/model.ts';
import type { LinearHead } from './batch-norm.ts';
import { KeptTrainings, keptTrainings, removeKeptTrainings } from './kept-trainings.ts';
import { type ProbeSettings, probeSteps } from './train-probe.ts';

/** The folder of a linear probe: settings, metrics, and the probe as a classifier. */
export class ProbeFolder {
  readonly #folder: RunFolder;
  readonly #lock: RunLock;
  readonly #run: ProbeRun;

  readonly #emit: (event: LinprobeEvent) => void;
  #lastStep = 0;
  /** True if the folder has states of an interrupted probe. */
  readonly resumes: boolean;

  private constructor(
    folder: RunFolder,
    lock: RunLock,
    run: ProbeRun,
    emit: (event: LinprobeEvent) => void,
    resumes: boolean,
  ) {
    this.resumes = resumes;
    this.#folder = folder;
    this.#lock = lock;
    this.#run = run;
    this.#emit = emit;
  }

  /**
   * Makes the folder and locks it. If it holds the same probe, that probe is repeated, or resumed if it was interrupted. Throws RunError
   * if the folder holds something else, or another process uses it.
   */
  static async open(
    path: string,
    run: ProbeRun,
    emit: (event: LinprobeEvent) => void = () => {},
  ): Promise<ProbeFolder> {
    const folder = runFolder(path);
    const config = `${JSON.stringify(run, null, 2)}\n`;
    await requireSame(folder, 'probe', config);
    await makeFolder(folder.checkpoints);
    const lock = new RunLock(folder);
    await lock.take();
    await writeFileAtomic(folder.config, config);
    const resumes = (await keptTrainings(folder.checkpoints)).length > 0;
    for (const file of [bestCheckpointPath(folder), ...(resumes ? [] : [folder.metrics, folder.sittings])])
      await rm(file, { force: true });
    return new ProbeFolder(folder, lock, run, emit, resumes);
  }

  /** Saves the states of the probe's trainings until the probe is saved. @param key contains everything that they depend on */
  keeper(key: string): KeptTrainings {
    return new KeptTrainings(this.#folder.checkpoints, key);
  }

  /** Starts the log of the final training, or resumes it after `step` updates. */
  async start({ description }: Engine, tested: Judged, settings: ProbeSettings, step: number): Promise<void> {
    const { images } = tested;
    const { stepsPerEpoch, lastStep } = probeSteps(settings, images);
    this.#lastStep = lastStep;
    await truncateAfter(this.#folder.metrics, (row) => Number(row.step) <= step && row.top1 === undefined);
    await appendSitting(this.#folder, description, tested);
    this.#emit({
      ...{ type: 'start', folder: this.#folder.path, config: this.#run, engine: description },
      ...{ images, stepsPerEpoch, lastStep, step },
    });
  }

  async append(row: StepRow): Promise<void> {
    await appendRow(this.#folder.metrics, { ...row });
    this.#emit({ type: 'step', row, lastStep: this.#lastStep });
  }

  /** Saves encoder and head as a classifier for other commands. Returns its path. */
  async save(
    model: Model,
    features: FeatureConfig,
    head: LinearHead,
    about: {
      readonly classes: readonly string[];
      readonly step: number;
      readonly data: string;
      readonly engine: string;
    },
  ): Promise<string> {
    const config = classifierSettings(this.#run, model, features);
    const { epochs } = config.training;
    const path = bestCheckpointPath(this.#folder);
    await saveCheckpoint(path, {
      kind: finetuning,
      config,
      classes: about.classes,
      progress: {
        step: about.step,
        skipped: 0,
        epoch: epochs,
        cursor: { epoch: epochs, position: 0 },
        data: about.data,
        engine: about.engine,
      },
      state: { ...model.weights, 'head.weight': head.weight, 'head.bias': head.bias },
      parameters: classifierParameters({
        ...features,
        pooling: config.model.pooling,
        classes: about.classes.length,
      }),
      slots: [],
    });
    await removeKeptTrainings(this.#folder.checkpoints);
    this.#emit({ type: 'file', kind: 'best', path });
    this.#emit({ type: 'end', outcome: 'finished', step: about.step, lastStep: this.#lastStep });
    return path;
  }

  /** Releases the lock. */
  async close(): Promise<void> {
    await this.#lock.release();
  }
}

/** The settings of the classifier's checkpoint that a probe has. */
function classifierSettings(run: ProbeRun, model: Model, features: FeatureConfig): FinetuneConfig {
  const { image, patch, channels, width, depth, heads, mlpRatio, classToken, positions, epsilon } = features;
  const encoder = { patch, channels, width, depth, heads, mlpRatio, classToken, positions, epsilon };
  const { pooling, fcNorm } = features;
  if (pooling === 'patch') throw new RangeError('a classifier needs pooled features, got those of patches');
  const { normalisation, evaluationCrop, evaluationView } = model;
  return parseFinetuneConfig({
    recipe: linearProbe.name,
    from: run.from,
    seed: run.seed,
    data: {
      source: run.data ?? model.run?.config.data.source ?? '',
      test: run.test ?? '',
      mean: [...normalisation.mean],
      std: [...normalisation.std],
      ...(normalisation.range && { range: [...normalisation.range] }),
      evaluationCrop,
      ...(evaluationView && { evaluationView }),
    },
    model: { ...encoder, image: [...image], pooling, fcNorm },
    training: { epochs: run.epochs, warmupEpochs: run.warmupEpochs },
  });
}
