import type { BrokenImages } from '../../data/load/broken.ts';
import { type Dataset, subset } from '../../data/sources/dataset.ts';
import type { Engine, Session } from '../../engines/engine.ts';
import { rng } from '../../random/rng.ts';
import { type RunData, sample } from '../../run/data.ts';
import { RunError } from '../../run/error.ts';
import type { PanelScores } from '../../run/events.ts';
import type { Setup } from '../../run/setup-pretrain.ts';
import type { Rows } from '../algebra/moments.ts';
import type { Watch } from '../evaluator.ts';
import { collect, type Features, programRows } from '../features/features.ts';
import { shortRun } from '../images-at-once.ts';
import { dse, type Tokens } from './dse.ts';
import { idEst } from './id-est.ts';
import { lidar } from './lidar.ts';
import { linearLeaveOneOut } from './linear-loo.ts';
import { alphaReq, deadDirections, meanCosine, rankMe, variances } from './measures.ts';

/** Most images per run of the engine, as for kNN. */
const BATCH = 250;
/** Images whose patches' tokens are measured. */
const TOKEN_IMAGES = 16;
/** Images of LiDAR, and views of each. */
const VIEW_IMAGES = 100;
const VIEWS = 10;

/** Measures the features of a run's weights without labels. */
export interface Panel {
  /** The images of the measures. */
  readonly images: Dataset;
  /** @param views true: LiDAR is measured too */
  measure(session: Session, options: Watch & { readonly views: boolean }): Promise<PanelScores>;
}

/**
 * The label-free panel of a run, on central crops of the same images every time: held-out ones where there are enough, else images that
 * are trained on. Undefined for fewer than two images.
 */
export function labelFreePanel(
  engine: Pick<Engine, 'name'>,
  setup: Setup,
  data: RunData,
  { broken }: { readonly broken?: BrokenImages } = {},
): Panel | undefined {
  const { model, config } = setup;
  const { evaluation, seed } = config;
  const wanted = evaluation.panelImages;
  const { heldOut, train } = data;
  const images = sample(heldOut && heldOut.length >= wanted ? heldOut : train, wanted, seed, 'panel');
  if (images.length < 2) return undefined;
  const most = shortRun(model, engine, BATCH);
  const batchSize = Math.min(most, images.length);
  const ofTokens = sample(images, TOKEN_IMAGES, seed, 'panel tokens');
  const ofViews = sample(train, VIEW_IMAGES, seed, 'panel views');
  const programs = {
    features: setup.programs(batchSize).features,
    tokens: setup.programs(Math.min(most, ofTokens.length)).tokens,
    views: setup.programs(largestDivisor(ofViews.length, most)).degradedFeatures,
  };
  const views = (dataset: Dataset, size: number) =>
    setup.evaluationViews(dataset, 'encoder', { batchSize: size, ...(broken && { broken }) });
  return {
    images,
    async measure(session, { views: withViews, signal, onProgress }) {
      signal?.throwIfAborted();
      const found = await collect(
        views(images, batchSize),
        programRows(session, programs.features),
        (done) => {
          if (done % batchSize === 0) {
            signal?.throwIfAborted();
            onProgress?.(done, images.length);
          }
        },
      );
      if (found.indices.length < 2)
        throw new RunError(
          `label-free measures need two images that can be read, got ${found.indices.length}`,
        );
      const tokens = await tokensOf(session);
      const lidarScore = withViews ? lidar(await viewsOf(session, signal)) : undefined;
      signal?.throwIfAborted();
      const scores = { ...scoresOf(found, tokens, images, seed), lidar: lidarScore };
      return rounded(scores);
    },
  };

  async function tokensOf(session: Session): Promise<Tokens> {
    const { tokens: program } = programs;
    const [size, count, width] = program.outputs.tokens!.shape as [number, number, number];
    const found = await collect(
      views(ofTokens, size),
      async (view) => (await session.run(program, { view })).tokens as Float32Array,
    );
    return { values: Float64Array.from(found.features), images: found.indices.length, tokens: count, width };
  }

  /** Features of views of each image, as training makes them. */
  async function viewsOf(session: Session, signal?: AbortSignal): Promise<Rows[]> {
    const { views: program } = programs;
    const [size, width] = program.outputs.features!.shape as [number, number];
    const rows = new Map<number, Float32Array[]>();
    const loader = setup.trainingViews(ofViews, { batchSize: size, ...(broken && { broken }) });
    try {
      for (let made = 0; made < VIEWS * ofViews.length; made += size) {
        signal?.throwIfAborted();
        const { value: batch } = await loader.next();
        if (!batch) break;
        const values = (await session.run(program, setup.inputs(batch))).features as Float32Array;
        batch.indices.forEach((index, i) => {
          const own = rows.get(index) ?? [];
          own.push(values.slice(i * width, (i + 1) * width));
          rows.set(index, own);
        });
      }
    } finally {
      await loader.dispose();
    }
    return [...rows.values()].map((own) => {
      const all = new Float64Array(own.length * width);
      own.forEach((row, i) => {
        all.set(row, i * width);
      });
      return { values: all, count: own.length, width };
    });
  }
}

/** The measures of features and tokens. */
function scoresOf(
  { features, width, indices }: Features,
  tokens: Tokens,
  images: Dataset,
  seed: number,
): { [K in keyof PanelScores]: PanelScores[K] | undefined } {
  const count = indices.length;
  const rows = { values: Float64Array.from(features), count, width };
  const spectrum = variances(rows);
  const shown = subset(images, indices);
  return {
    images: count,
    rankMe: rankMe(rows),
    alphaReq: alphaReq(spectrum),
    idEst: idEst(rows, rng(seed, 'panel', 'order').permutation(count)),
    meanCosine: meanCosine(rows),
    deadDirections: deadDirections(spectrum),
    dse: dse(tokens),
    linear: shown.labels && linearLeaveOneOut(rows, Int32Array.from(shown.labels)),
  };
}

/** Six digits; measures that are not defined are left out. */
function rounded(scores: { [K in keyof PanelScores]: PanelScores[K] | undefined }): PanelScores {
  const known = Object.entries(scores).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Number(value.toPrecision(6))] as const],
  );
  return Object.fromEntries(known) as unknown as PanelScores;
}

function largestDivisor(count: number, most: number): number {
  for (let divisor = Math.min(count, most); ; divisor--) if (count % divisor === 0) return divisor;
}
