/**
 * Names that training scripts put above weights, in order of preference: trained weights before their averages, and
 * the teacher of a self-distillation, which its authors evaluate.
 */
const WRAPPERS = [
  'model',
  'state_dict',
  'model_state_dict',
  'module',
  'net',
  'network',
  'weights',
  'params',
  'teacher',
  'target_encoder',
  'student',
  'base_encoder',
  'encoder',
  'backbone',
  'vit',
  'model_ema',
  'ema_model',
  'state_dict_ema',
  'ema_state_dict',
  'ema',
  'momentum_encoder',
];

/** A place of weights in a file: the names above them, outermost first. */
export type Place = readonly string[];

/**
 * Chooses among several places of weights: the one whose names come first in the list above, compared from the
 * outermost on. Names outside of the list come last, in the order of the file.
 */
export function preferred<T>(candidates: readonly T[], placeOf: (candidate: T) => Place): T | undefined {
  const ranks = new Map(candidates.map((each) => [each, placeOf(each).map(rankOf)]));
  return [...candidates].sort((a, b) => compare(ranks.get(a)!, ranks.get(b)!))[0];
}

function rankOf(name: string): number {
  const rank = WRAPPERS.indexOf(name);
  return rank < 0 ? WRAPPERS.length : rank;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((rank, i) => rank !== b[i]);
  if (differs < 0) return a.length - b.length;
  return differs < b.length ? a[differs]! - b[differs]! : 1;
}
