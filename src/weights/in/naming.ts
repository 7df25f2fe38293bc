import { preferred } from '../../io/wrappers.ts';

/** A third of a fused `qkv` tensor: rows of queries, of keys, of values. */
export type Slot = 'query' | 'key' | 'value';

/** What a tensor's name means: the name here, or why it is left out, or why the whole file is refused. */
export type Rule =
  | { readonly match: RegExp; readonly to: string; readonly slot?: Slot }
  | { readonly match: RegExp; readonly ignore: string }
  | { readonly match: RegExp; readonly refuse: string };

/** How a project names the weights of a Vision Transformer. */
export interface NamingTable {
  /** The project, as `Model.source` says it. */
  readonly source: string;
  /** A tensor that files of this naming have, and those of the tables after it have not. */
  readonly mark: RegExp;
  /** The first rule that matches a name holds. */
  readonly rules: readonly Rule[];
  /** Rules before those that depend on what else is in the file. */
  readonly before?: (names: ReadonlySet<string>) => readonly Rule[];
}

/** Takes a tensor under the name that `to` makes of its own, as `String.replace` does. */
export function rename(match: RegExp, to: string, slot?: Slot): Rule {
  return { match, to, ...(slot && { slot }) };
}

/** Takes a tensor under its own name. */
export function keep(match: RegExp): Rule {
  return { match, to: '$&' };
}

/** Leaves a tensor out. */
export function ignore(match: RegExp, reason: string): Rule {
  return { match, ignore: reason };
}

/** Refuses the file, because of what the tensor is part of. */
export function refuse(match: RegExp, reason: string): Rule {
  return { match, refuse: reason };
}

/** What parallel and compiled modules put into names, at any place. */
const WRAPPER = /(^|\.)(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)+/g;

/** The layer that makes tokens of patches: what lies before its name lies before all names of its encoder. */
const FIRST = /^((?:.*\.)?)(?:patch_embed\.proj|embeddings\.patch_embeddings\.projection)\.weight$/;

/** A table with the file's names as the table knows them. */
export interface Naming {
  readonly table: NamingTable;
  /** By the tensors' names in the file; undefined for tensors beside the encoder that is taken. */
  readonly plain: ReadonlyMap<string, string | undefined>;
  /** What lies before the names of the encoder that is taken, in words. */
  readonly prefix: string;
  /** What a person should know of the choice, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Finds the table by which a file's tensors are named, behind any prefixes (`model.`, `backbone.`, `teacher.backbone.` and so on).
 * Of several encoders in a file one is taken, see `preferred`. Undefined where no encoder or no table is found.
 */
export function findNaming(tables: readonly NamingTable[], names: Iterable<string>): Naming | undefined {
  const bare = new Map([...names].map((name) => [name, name.replace(WRAPPER, '$1')]));
  const all = new Set(bare.values());
  const found = [...all].flatMap((name) => FIRST.exec(name)?.[1] ?? []);
  const places = found.map((prefix) => ownPrefix(prefix, all));
  const prefix = preferred(places, (place) => place.split('.').slice(0, -1));
  if (prefix === undefined) return undefined;
  const plain = new Map(
    [...bare].map(([name, each]) => [name, each.startsWith(prefix) ? each.slice(prefix.length) : undefined]),
  );
  const known = [...plain.values()].filter((name) => name !== undefined);
  const table = tables.find(({ mark }) => known.some((name) => mark.test(name)));
  if (!table) return undefined;
  const words = (place: string) => place.replace(/\.$/, '') || 'no prefix';
  const others = places.filter((place) => place !== prefix).map(words);
  const notes =
    others.length === 0
      ? []
      : [
          `of several encoders the one under ${words(prefix)} is taken, not the one under ${others.join(', ')}`,
        ];
  return { table, plain, prefix: words(prefix), notes };
}

/** A prefix without its last part, where that belongs to a project's own names. */
function ownPrefix(prefix: string, names: ReadonlySet<string>): string {
  const above = prefix.replace(/(^|\.)(vit|encoder)\.$/, '$1');
  const [sort] = /(vit|encoder)\.$/.exec(prefix) ?? [];
  if (sort === 'vit.' && names.has(`${prefix}embeddings.patch_embeddings.projection.weight`)) return above;
  return sort === 'encoder.' && names.has(`${above}encoder_to_decoder.weight`) ? above : prefix;
}
