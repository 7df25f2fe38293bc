import type { Config } from '../config/schema.ts';
import type { Arm, Group } from './arms.ts';
import type { ImageCounts, Piece } from './piece.ts';

/** A model of an arm that is judged. */
export interface JudgedArm {
  readonly group: Group;
  readonly arm: Arm;
  readonly model: Piece;
  /** Of the model. */
  readonly config: Config;
  /** Operations that a judge which trains may spend beyond its settings. */
  readonly extra: number;
  readonly images: ImageCounts;
}

/** Checks a part of the settings, which errors name. */
export type Within = (part: string, check: () => void) => void;

/** The parts of a study that judge a model. */
export type Judge = 'knn' | 'linear' | 'finetune' | 'segment' | 'detect';

/** A judge of the models of a study: an entry of the table. */
export interface StudyJudge {
  /** Also that of its settings in a group. */
  readonly name: Judge;
  /** Throws ConfigError where settings for an arm are wrong. */
  check?(group: Group, arm: Arm, within: Within): void;
  /** Names of those settings of a group that name no images to judge on: pre-training must hold some out. */
  withoutImages(group: Group): string[];
  /** The judgements of a model, with the names that tables call them by. */
  pieces(judged: JudgedArm): [judge: string, piece: Piece][];
}
