import type { ModuleExport } from '../modules/module-export.ts';

/** Floats in an engine's precision. */
export type FloatArray = Float32Array | Float64Array;

/**
 * An all-reduce over the ranks of a training run. The ranks' sessions hold equal weights, and each computes its share
 * of every batch. An engine calls it twice per step, after all micro-batches and before the gradient norm: first with a
 * small Float64Array of scalars, where a rank waits for the slowest, then with the gradients.
 */
export interface Collective {
  /** Number of this session, from 0. */
  readonly rank: number;
  /** Number of sessions. */
  readonly size: number;
  /**
   * Replaces each buffer by its sum over all ranks. All ranks call it with buffers of the same types and lengths in
   * the same order, and must get the same bits, or their weights drift apart. It may block the thread. Throws if a rank
   * is gone.
   */
  allReduce(buffers: readonly FloatArray[]): void | Promise<void>;
  /** Overwrites the bytes with those of rank 0. All ranks call it with arrays of the same length. */
  broadcast(bytes: Uint8Array): void | Promise<void>;
  /** Leaves the other ranks. */
  close?(): void | Promise<void>;
}

/**
 * How a session opens its collective: the export makes it from `options`, at once or as a promise. It is a module rather than a
 * function, because an engine that computes on another thread or in another process imports it there.
 */
export type CollectiveModule = ModuleExport;
