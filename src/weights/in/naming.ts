import { preferred } from '../../io/wrappers.ts';

/** A third of a fused `qkv` tensor: rows of queries, of keys, of values. */
export type Slot = 'query' | 'key' | 'value';

/** Meaning of a tensor's name: this project's name for it, or why it is ignored, or why the file is refused. */
export type Rule =
  | { readonly match: RegExp; readonly to: string; readonly slot?: Slot }
  | { readonly match: RegExp; readonly ignore: string }
  | { readonly match: RegExp; readonly refuse: string };

/** A project's names for the weights of a Vision Transformer. */
export interface NamingTable {
  /** The project, for `Model.source`. */
  readonly source: string;
  /** A name found in files of this project, but not in those of the later tables. */
  readonly mark: RegExp;
  /** The first rule that matches a name applies. */
  readonly rules: readonly Rule[];
  /** Rules that depend on the file's other names; they come first. */
  readonly before?: (names: ReadonlySet<string>) => readonly Rule[];
}

/** Renames a tensor by `String.replace` with `to`. */
export function rename(match: RegExp, to: string, slot?: Slot): Rule {
  return { match, to, ...(slot && { slot }) };
}

/** Keeps a tensor's name. */
export function keep(match: RegExp): Rule {
  return { match, to: '$&' };
}

/** Ignores a tensor. */
export function ignore(match: RegExp, reason: string): Rule {
  return { match, ignore: reason };
}

/** Refuses the file, because the tensor belongs to an unsupported layer. */
export function refuse(match: RegExp, reason: string): Rule {
  return { match, refuse: reason };
}

/** Name parts that parallel and compiled modules insert anywhere. */
const WRAPPER = /(^|\.)(?:(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.)+/g;

/** The patch embedding. The prefix of its name is the prefix of the whole encoder. */
const FIRST = /^((?:.*\.)?)(?:patch_embed\.proj|embeddings\.patch_embeddings\.projection)\.weight$/;

/** A table, and the file's names without wrappers and prefixes. */
export interface Naming {
  readonly table: NamingTable;
  /** By the tensors' names in the file; undefined for tensors outside of the chosen encoder. */
  readonly plain: ReadonlyMap<string, string | undefined>;
  /** Prefix of the chosen encoder's names, in words. */
  readonly prefix: string;
  /** Notes for the user about the choice, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Finds the table for a file's names behind any prefix (`model.`, `backbone.`, `teacher.backbone.` and so on).
 * Chooses among several encoders by `preferred`. Undefined if there is no encoder or no table.
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
          `the file has several encoders: using the one under ${words(prefix)}, not the one under ${others.join(', ')}`,
        ];
  return { table, plain, prefix: words(prefix), notes };
}

/** A prefix without its last part, if that part belongs to a project's names. */
function ownPrefix(prefix: string, names: ReadonlySet<string>): string {
  const above = prefix.replace(/(^|\.)(vit|beit|encoder)\.$/, '$1');
  const [sort] = /(?:^|\.)(vit|beit|encoder)\.$/.exec(prefix)?.slice(1) ?? [];
  if (
    (sort === 'vit' || sort === 'beit') &&
    names.has(`${prefix}embeddings.patch_embeddings.projection.weight`)
  )
    return above;
  return sort === 'encoder' && names.has(`${above}encoder_to_decoder.weight`) ? above : prefix;
}
