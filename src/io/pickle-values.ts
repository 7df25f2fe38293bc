/**
 * A value of a pickle: null, a boolean, number, bigint, string, bytes, an array (a list or tuple), a Map (a dict), a Set, or
 * what the vocabulary makes.
 */
export type Pickled = unknown;

/** An instance of a class that is known by name: its fields, nothing of its code. */
export class PickledObject {
  readonly type: string;
  readonly fields = new Map<unknown, Pickled>();

  constructor(type: string) {
    this.type = type;
  }
}

/** What may be called: makes a value from arguments. Throws PickleFault for wrong ones. */
export type Maker = (args: readonly Pickled[]) => Pickled;

/** The names that a pickle may use. Nothing else in it has a meaning, and nothing is executed. */
export interface Vocabulary {
  /** What `module.name` stands for; undefined refuses it. */
  global(module: string, name: string): Maker | PickledObject | undefined;
  /** What a persistent identifier stands for. Throws PickleFault for a wrong one. */
  persistent(id: Pickled): Pickled;
}

/** A pickle breaks a rule; becomes a FileFormatError. */
export class PickleFault extends Error {
  readonly rule: string;
  readonly got: unknown;

  constructor(rule: string, got: unknown) {
    super(rule);
    this.rule = rule;
    const plain = got === null || ['string', 'number', 'boolean'].includes(typeof got);
    this.got = plain ? got : Array.isArray(got) ? 'a list' : typeof got; // what nests may nest without end
  }
}
