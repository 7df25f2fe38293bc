import type { ModuleExport } from '../modules/module-export.ts';

/** Floats of an engine's own precision. */
export type FloatArray = Float32Array | Float64Array;

/**
 * An all-reduce over the ranks of a training run: sessions that hold the same weights, each with its share of every batch.
 * An engine calls it once in a step, after all micro-batches and before the norm is taken.
 */
export interface Collective {
  /** Number of this session, from 0. */
  readonly rank: number;
  /** Number of all sessions. */
  readonly size: number;
  /**
   * Replaces each buffer by its sum over all ranks: gradients and state outputs, flat, then one of scalars, which is a
   * Float64Array. Ranks call it with buffers of the same types and lengths in the same order, and must get the same bits, or
   * their weights would drift apart. It may block the thread, and throws where a rank is gone.
   */
  allReduce(buffers: readonly FloatArray[]): void | Promise<void>;
  /** Leaves the others. */
  close?(): void | Promise<void>;
}

/**
 * Where a session finds its collective: the export makes it from `options`, at once or as a promise. An engine may compute on a
 * thread or in a process of its own, and opens it there: hence a module rather than a function.
 */
export type CollectiveModule = ModuleExport;
