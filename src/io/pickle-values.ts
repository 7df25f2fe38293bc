/**
 * A value of a pickle: null, a boolean, number, bigint, string, bytes, an array (a list or tuple), a Map (a dict), a
 * Set, or a value that the vocabulary makes.
 */
export type Pickled = unknown;

/** An instance of a class known by name: its fields without its code. */
export class PickledObject {
  readonly type: string;
  readonly fields = new Map<unknown, Pickled>();

  constructor(type: string) {
    this.type = type;
  }
}

/** A callable: makes a value from arguments. Throws PickleFault for wrong arguments. */
export type Maker = (args: readonly Pickled[]) => Pickled;

/** The names that a pickle may use. All other names are refused, and nothing is executed. */
export interface Vocabulary {
  /** Value of `module.name`; undefined refuses it. */
  global(module: string, name: string): Maker | PickledObject | undefined;
  /** Value of a persistent identifier. Throws PickleFault for a wrong one. */
  persistent(id: Pickled): Pickled;
}

/** A pickle breaks a rule. Becomes a FileFormatError. */
export class PickleFault extends Error {
  readonly rule: string;
  readonly got: unknown;

  constructor(rule: string, got: unknown) {
    super(rule);
    this.rule = rule;
    const plain = got === null || ['string', 'number', 'boolean'].includes(typeof got);
    this.got = plain ? got : Array.isArray(got) ? 'a list' : typeof got; // nested values may nest without end
  }
}
