/** What a tensor of a checkpoint belongs to. */
export type Part = 'encoder' | 'decoder' | 'head' | 'optimizer';

/** The part of a tensor, by its name. */
export function partOf(name: string): Part {
  if (name.includes(':')) return 'optimizer';
  if (name.startsWith('head.') || name.startsWith('fc_norm.')) return 'head';
  return name.startsWith('decoder') || name === 'mask_token' ? 'decoder' : 'encoder';
}
