import { expect, test } from 'vitest';
import { fc } from '../../tests/support/random.ts';
import { findJsonFault } from './json-scan.ts';

test('valid JSON without duplicates has no fault', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      expect(findJsonFault(text, 10)).toBeUndefined();
    }),
  );
});

test('finds keys given twice in one object, also when written differently', () => {
  expect(findJsonFault('{"a":1,"b":{"a":2},"a":3}', 9)).toEqual({ kind: 'duplicate key', key: 'a' });
  expect(findJsonFault('{"a":1,"\\u0061":3}', 9)).toEqual({ kind: 'duplicate key', key: 'a' });
  expect(findJsonFault('{"__proto__":1,"__proto__":3}', 9)).toEqual({
    kind: 'duplicate key',
    key: '__proto__',
  });
  expect(findJsonFault('{"a":[{"b":1},{"b":1}],"c":"\\",\\"a\\":"}', 9)).toBeUndefined();
});

test('finds deep nesting and survives text that is no JSON', () => {
  expect(findJsonFault('[[[]]]', 3)).toBeUndefined();
  expect(findJsonFault('[[[[', 3)).toEqual({ kind: 'depth' });
  for (const text of ['', ':', '"', '"\\', ']]}:', '{:::', '{"a\\uZZ":1'])
    expect(() => findJsonFault(text, 3)).not.toThrow();
});
