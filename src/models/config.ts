import type { Geometry } from '../image/size.ts';
import type { Positions } from '../nn/positions.ts';
import type { TargetChoice } from '../nn/targets/table.ts';

/** Width, depth and number of attention heads of a stack of transformer blocks. */
export interface StackSize {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
}

/** A Vision Transformer: how it cuts images, and its stack of blocks. */
export interface EncoderConfig extends Geometry, StackSize {
  /** Hidden width of the MLPs relative to the blocks' width. */
  readonly mlpRatio: number;
  /** True: a trained class token precedes the patch tokens. */
  readonly classToken: boolean;
  readonly positions: Positions;
  /** Epsilon of the norms, added to variances. Default: 1e-6. */
  readonly epsilon?: number;
  /** True: every layer adds trained biases to its attention, by the offset of two positions (BEiT). Default: false. */
  readonly relativePositions?: boolean | undefined;
  /** True: every layer adds products of its queries with trained vectors of the offset in rows and in columns (MViTv2). Default: false. */
  readonly decomposedPositions?: boolean | undefined;
  /** Where the trained scales of the blocks' branches start (`gamma_1`, `gamma_2`; CaiT, arXiv 2103.17239). Default: none. */
  readonly layerScale?: number | undefined;
  /** Blocks whose attention stays in windows of patches (ViTDet, arXiv 2203.16527). Default: none. */
  readonly windows?: AttentionWindows | undefined;
}

/** Windows of `side` × `side` patches in all blocks but those of `global`, counted from 0. */
export interface AttentionWindows {
  readonly side: number;
  readonly global: readonly number[];
}

/** How a decoder predicts: see `decoders`. */
export type DecoderKind = 'transformer' | 'cross' | 'linear';

/** A decoder's kind and, but for the linear one, its stack of blocks. */
export interface DecoderConfig extends StackSize {
  /** Default: transformer. */
  readonly kind?: DecoderKind | undefined;
  /** Of a cross decoder: the share of the removed patches that training predicts. Default: 1. */
  readonly share?: number | undefined;
}

/** An encoder, a light decoder and what the decoder predicts. */
export interface AutoencoderConfig extends EncoderConfig {
  readonly decoder: DecoderConfig;
  readonly target: TargetChoice;
}
