import { rowLine, splitRows } from '../io/jsonl-codec.ts';
import { renderCurves } from '../visualize/curves.ts';
import { type Checkpoint, decodeCheckpoint } from './checkpoint-codec.ts';
import type { StepRow } from './events.ts';
import type { RunConfig, RunKind } from './kind.ts';
import type { RunStore } from './store.ts';

/*
 * The files of a run in its store.
 */

const METRICS = 'metrics.jsonl';
const CURVES = 'curves.svg';
const CHECKPOINTS = 'checkpoints';
const RECONSTRUCTIONS = 'reconstructions';
const PREDICTIONS = 'predictions';

/** The weights that scored best in an evaluation. */
export const bestCheckpoint = `${CHECKPOINTS}/best.safetensors`;

const numbered = (step: number) => `step-${String(step).padStart(8, '0')}`;

/** The checkpoint of a step. */
export function checkpointName(step: number): string {
  return `${CHECKPOINTS}/${numbered(step)}.safetensors`;
}

/** The checkpoints of steps, the oldest first. */
export async function checkpointNames(store: RunStore): Promise<string[]> {
  const names = (await store.list(CHECKPOINTS)).filter((name) => /^step-\d{8,}\.safetensors$/.test(name));
  return names.map((name) => `${CHECKPOINTS}/${name}`).sort((a, b) => stepOf(a) - stepOf(b));
}

/** The step of a checkpoint, from its name. */
export function stepOf(name: string): number {
  return Number(/step-(\d+)\.safetensors$/.exec(name)?.[1]);
}

/** Deletes all but the newest `keep` checkpoints and those of steps that stay. One that cannot be deleted, as Windows keeps what somebody has open, stays for the next time. */
export async function pruneCheckpoints(
  store: RunStore,
  keep: number,
  stays: (step: number) => boolean = () => false,
): Promise<void> {
  for (const name of (await checkpointNames(store)).slice(0, -keep))
    if (!stays(stepOf(name))) await store.remove(name).catch(() => {});
}

/**
 * The newest checkpoint in a store, from which a run resumes: the metrics are cut back to it, to none where there is no checkpoint. Throws
 * FileFormatError for a broken or foreign one.
 */
export async function resumeFrom<C extends RunConfig>(
  store: RunStore,
  kind: RunKind<C>,
): Promise<Checkpoint<C> | undefined> {
  const name = (await checkpointNames(store)).at(-1);
  const bytes = name === undefined ? undefined : await store.read(name);
  const checkpoint = bytes && decodeCheckpoint(bytes, store.place(name!), kind);
  const step = checkpoint?.progress.step ?? -1;
  const kept = (await metricsOf(store)).filter((row) => row.step <= step);
  await store.write(
    METRICS,
    kept.map((row) => encode(rowLine(row))),
  );
  return checkpoint;
}

/** The rows of a run's metrics so far. */
export async function metricsOf(store: RunStore): Promise<StepRow[]> {
  const bytes = (await store.read(METRICS)) ?? new Uint8Array();
  return splitRows(bytes, store.place(METRICS)).rows.map(({ row }) => row as StepRow);
}

export function appendMetrics(store: RunStore, row: StepRow): Promise<void> {
  return store.append(METRICS, row);
}

/** Puts a row in the place of the last one. */
export async function replaceLastMetrics(store: RunStore, row: StepRow): Promise<void> {
  const bytes = (await store.read(METRICS)) ?? new Uint8Array();
  const begin = splitRows(bytes, store.place(METRICS)).rows.at(-1)?.begin ?? 0;
  await store.write(METRICS, [bytes.subarray(0, begin), encode(rowLine(row))]);
}

/** Draws the curves of the metrics so far; returns their place. */
export async function writeCurves(store: RunStore, title: string): Promise<string> {
  await store.write(CURVES, [encode(renderCurves(await metricsOf(store), { title }))]);
  return store.place(CURVES);
}

/** Writes the picture of a step's reconstructions; returns its place. */
export function writeReconstructions(store: RunStore, step: number, png: Uint8Array): Promise<string> {
  return writePicture(store, RECONSTRUCTIONS, step, png);
}

/** Writes the picture of a step's predictions; returns its place. */
export function writePredictions(store: RunStore, step: number, png: Uint8Array): Promise<string> {
  return writePicture(store, PREDICTIONS, step, png);
}

async function writePicture(store: RunStore, folder: string, step: number, png: Uint8Array): Promise<string> {
  const name = `${folder}/${numbered(step)}.png`;
  await store.write(name, [png]);
  return store.place(name);
}

const encode = (text: string) => new TextEncoder().encode(text);
