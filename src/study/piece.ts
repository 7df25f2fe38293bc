import type { DetectInput } from '../config/detect-schema.ts';
import type { FinetuneInput } from '../config/finetune-schema.ts';
import type { LinprobeInput } from '../config/linprobe-schema.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { SegmentInput } from '../config/segment-schema.ts';

/** A part of a study that is run at once: a model to judge, or a judgement. */
export type Piece = {
  /** Unique in the study, for the same settings the same; also the name of its folder. */
  readonly id: string;
  /** Floating-point operations of training, and updates. */
  readonly flops: number;
  readonly updates: number;
} & (
  | { readonly kind: 'initial' | 'pretrain'; readonly settings: ConfigInput }
  | {
      readonly kind: 'knn';
      readonly settings: { trainImages: number; testImages: number; seed: number };
      readonly from: string;
    }
  | { readonly kind: 'linear'; readonly settings: LinprobeInput; readonly from: string }
  | { readonly kind: 'finetune'; readonly settings: FinetuneInput; readonly from: string }
  | { readonly kind: 'segment'; readonly settings: SegmentInput; readonly from: string }
  | { readonly kind: 'detect'; readonly settings: DetectInput; readonly from: string }
);

/** A judgement by a model with a new head. */
export type HeadPiece = Extract<Piece, { readonly kind: 'segment' | 'detect' }>;

/** The settings that the images of such a judgement depend on. */
export interface AnnotatedData {
  readonly source: string;
  readonly test: string;
  readonly heldOut: number;
  readonly trainImages: number;
}

/** Numbers of images, which are not in the settings. */
export interface ImageCounts {
  readonly train: number;
  readonly classes: number;
  /** Of a share of the labels. */
  labelled(share: number): number;
  /** Training images of a judge with separate images, and their classes. */
  annotated(
    judge: HeadPiece['kind'],
    data: AnnotatedData,
  ): { readonly train: number; readonly classes: number };
}
