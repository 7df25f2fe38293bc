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

/** Prefixes that training scripts put before all names: parallel and compiled modules. */
const WRAPPER = /^(module\.|_orig_mod\.)+/;

/** A name without what training scripts put before it. */
export function plainName(name: string): string {
  return name.replace(WRAPPER, '');
}

/** The table by which a file's tensors are named, if it is known. */
export function findTable(tables: readonly NamingTable[], names: Iterable<string>): NamingTable | undefined {
  const plain = [...names].map(plainName);
  return tables.find(({ mark }) => plain.some((name) => mark.test(name)));
}
