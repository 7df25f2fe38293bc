import type { BrokenImages } from '../data/load/broken.ts';
import type { Dataset } from '../data/sources/dataset.ts';
import type { Session } from '../engines/engine.ts';
import { evaluate, type Watch } from '../evaluate/evaluator.ts';
import { collect, type Features, programRows } from '../evaluate/features/features.ts';
import { batchFor } from '../evaluate/images-at-once.ts';
import { centralViews } from '../evaluate/views.ts';
import { normalisationOf } from '../image/normalise.ts';
import { PartError } from '../modules/module-export.ts';
import { featureProgram } from '../programs/features.ts';
import type { JudgedRun, RunEvaluator } from './evaluator.ts';
import { require } from './rules.ts';

/** A run that evaluators of the user's own judge. */
export interface Judged extends Omit<JudgedRun, 'features'> {
  readonly session: Session;
  readonly broken: BrokenImages;
}

/**
 * The scores of the evaluators that are due.
 * @param taken names of columns that the row has anyway
 * Rejects with a PartError for scores that are no numbers or have the name of another column, and where an evaluator fails.
 */
export async function ownScores(
  evaluators: readonly RunEvaluator[],
  { session, broken, ...run }: Judged,
  at: { readonly epoch: number; readonly last: boolean; readonly taken: readonly string[] },
  watch: (name: string) => Watch,
): Promise<Record<string, number>> {
  const scores: Record<string, number> = {};
  for (const own of evaluators) {
    if (!at.last && at.epoch % (own.every ?? 1) !== 0) continue;
    const label = `the own evaluator "${own.name}"`;
    const watched = watch(own.name);
    const judged: JudgedRun = {
      ...run,
      features: (images) => featuresOf(images, session, run, broken, watched.signal),
    };
    const evaluator = {
      name: own.name,
      async *run(session: Session, watch: Watch = {}) {
        for await (const score of own.run(session, watch, judged)) {
          require(Array.isArray(score) &&
            typeof score[0] === 'string' &&
            typeof score[1] === 'number', label, 'yield [name, number]', score);
          const [name] = score;
          const free = ![...at.taken, ...Object.keys(scores)].includes(name);
          require(free, label, 'yield names that no other column of metrics.jsonl has', name);
          yield score;
        }
      },
    };
    const measured = await evaluate(evaluator, session, watched).catch((error) => {
      if (watched.signal?.aborted || error instanceof PartError) throw error;
      throw new PartError(`${label} failed: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    });
    Object.assign(scores, measured);
  }
  return scores;
}

/** Features of images by the weights of a session, which are those of a run. */
async function featuresOf(
  images: Dataset,
  session: Session,
  { config, engine }: Pick<JudgedRun, 'config' | 'engine'>,
  broken: BrokenImages,
  signal: AbortSignal | undefined,
): Promise<Features> {
  const { data, model } = config;
  const { decoder: _, ...encoder } = model;
  const pooled = { pooling: 'mean', fcNorm: false, ...encoder } as const;
  const batchSize = Math.min(batchFor(model, engine), images.length);
  const normalisation = normalisationOf(data);
  const views = centralViews(
    {
      ...{ encoder: model, normalisation, evaluationCrop: data.evaluationCrop ?? 1 },
      ...(data.evaluationView && { evaluationView: data.evaluationView }),
    },
    images,
    { batchSize, broken, signal },
  );
  return collect(views, programRows(session, featureProgram(pooled, normalisation, batchSize)));
}
