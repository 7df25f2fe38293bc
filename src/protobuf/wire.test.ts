import protobuf from 'protobufjs/light.js';
import { expect, test } from 'vitest';
import { seed } from '../../tests/support/random.ts';
import { encodeMessage, type Fields } from './wire.ts';

/** Random numbers in [0, 1) (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const scalars = {
  int: 'int64',
  ints: 'int64',
  float: 'float',
  double: 'double',
  bool: 'bool',
  string: 'string',
  bytes: 'bytes',
} as const;
type Scalar = keyof typeof scalars;

interface Sample {
  readonly fields: Fields;
  /** The same schema for protobufjs, by the path of the message's name. */
  readonly types: Record<string, object>;
  readonly message: Record<string, unknown>;
}

/** A random schema and a message of it. */
function sample(random: () => number, name: string, depth: number): Sample {
  const below = (count: number) => Math.floor(random() * count);
  const integer = () => {
    const size = Math.floor(2 ** (random() * 53)) * (random() < 0.3 ? -1 : 1);
    return random() < 0.2 ? 0 : size;
  };
  const makers: Record<Scalar, () => unknown> = {
    int: integer,
    ints: () => Array.from({ length: below(4) }, integer),
    float: () => [0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, random() * 1e9 - 5e8][below(6)],
    double: () => [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, random() * 1e-9][below(6)],
    bool: () => random() < 0.5,
    string: () => ['', 'a', 'grün', '数 🙂', 'x'.repeat(below(400))][below(5)],
    bytes: () => Uint8Array.from({ length: below(300) * below(2) }, () => below(256)),
  };
  const fields: Record<string, Fields[string]> = {};
  const types: Record<string, object> = {};
  const described: Record<string, object> = {};
  const message: Record<string, unknown> = {};
  let number = 0;
  for (let i = below(6); i >= 0; i--) {
    number += 1 + below(20) * below(2) * 30; // tags of one, two and more bytes
    const key = `f${number}`;
    const many = random() < 0.3;
    const count = below(4);
    if (depth > 0 && random() < 0.4) {
      const inner = sample(random, `${name}x${number}`, depth - 1);
      fields[key] = [number, inner.fields];
      Object.assign(types, inner.types);
      described[key] = { id: number, type: `${name}x${number}`, ...(many && { rule: 'repeated' }) };
      message[key] = many ? Array.from({ length: count }, () => inner.message) : inner.message;
    } else {
      const kind = (Object.keys(scalars) as Scalar[])[below(7)]!;
      const packed = kind === 'ints';
      const always = !many && !packed && random() < 0.3;
      fields[key] = always ? [number, kind, 'always'] : [number, kind];
      const repeated = (many || packed) && { rule: 'repeated', options: { packed } };
      const present = always && { options: { 'features.field_presence': 'EXPLICIT', proto3_optional: true } };
      described[key] = { id: number, type: scalars[kind], ...repeated, ...present };
      const several = many && !packed;
      message[key] = several ? Array.from({ length: count }, makers[kind]) : makers[kind]();
    }
    if (random() < 0.1) delete message[key];
  }
  types[name] = { fields: described, ...oneofs(fields) };
  return { fields, types, message };
}

/** Alone in a `oneof`, a field is written whenever it is set. */
function oneofs(fields: Fields): object {
  const always = Object.keys(fields).filter((key) => fields[key]![2]);
  return { oneofs: Object.fromEntries(always.map((key) => [`_${key}`, { oneof: [key] }])) };
}

test('messages equal those of protobufjs, byte for byte', () => {
  const random = numbers(seed);
  for (let i = 0; i < 500; i++) {
    const { fields, types, message } = sample(random, 'M', 3);
    const type = protobuf.Root.fromJSON({ nested: types }).lookupType('M');
    const expected = type.encode(type.fromObject(message)).finish();
    expect(Buffer.from(encodeMessage(fields, message)).toString('hex'), `SEED=${seed}, message ${i}`).toBe(
      Buffer.from(expected).toString('hex'),
    );
  }
});

test('the examples of protobuf.dev, "Encoding"', () => {
  const hex = (fields: Fields, message: object) =>
    Buffer.from(encodeMessage(fields, message)).toString('hex');
  expect(hex({ a: [1, 'int'] }, { a: 150 })).toBe('089601');
  expect(hex({ b: [2, 'string'] }, { b: 'testing' })).toBe('120774657374696e67');
  expect(hex({ c: [3, { a: [1, 'int'] }] }, { c: { a: 150 } })).toBe('1a03089601');
  expect(hex({ f: [6, 'ints'] }, { f: [3, 270, 86942] })).toBe('3206038e029ea705');
  expect(hex({ a: [1, 'int'] }, { a: -2 })).toBe('08feffffffffffffffff01');
});

test('there may be more pieces than a call takes arguments', () => {
  const names = Array.from({ length: 300_000 }, (_, i) => `${i}`);
  const encoded = encodeMessage({ inner: [1, { names: [1, 'string'] }] }, { inner: { names } });
  expect(encoded.length).toBeGreaterThan(2 * names.length);
});

test.each([2 ** 53, -(2 ** 60), 0.5, Number.NaN])('%s is no integer that can be written', (value) => {
  expect(() => encodeMessage({ a: [1, 'int'] }, { a: value })).toThrow(
    new RangeError(`an integer must be safe, got ${value}`),
  );
});
