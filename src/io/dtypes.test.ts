import { expect, test } from 'vitest';
import { isDtype, type NamedTensor, toFloat32 } from './dtypes.ts';

test('half precision decodes normal, subnormal, infinite and NaN values', () => {
  const bits = [0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0x3555];
  const tensor: NamedTensor = { dtype: 'F16', shape: [bits.length], data: Uint16Array.from(bits) };
  expect([...toFloat32(tensor)]).toEqual([
    1,
    -2,
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    65504,
    Infinity,
    -Infinity,
    NaN,
    -0,
    0.333251953125,
  ]);
});

test('bfloat16 is the upper half of a float32', () => {
  const values = [0, -0, 1, -2.5, 3.0517578125e-5, Infinity, NaN];
  const bits = new Uint32Array(Float32Array.from(values).buffer).map((word) => word >>> 16);
  expect([...toFloat32({ dtype: 'BF16', shape: [7], data: Uint16Array.from(bits) })]).toEqual(values);
});

test('float32 is passed on, float64 rounded, the rest refused', () => {
  const data = Float32Array.of(1, 2);
  expect(toFloat32({ dtype: 'F32', shape: [2], data })).toBe(data);
  expect(toFloat32({ dtype: 'F64', shape: [1], data: Float64Array.of(0.1) })).toEqual(Float32Array.of(0.1));
  expect(() => toFloat32({ dtype: 'I32', shape: [1], data: Int32Array.of(1) })).toThrow('got I32');
});

test('names of inherited properties are no dtypes', () => {
  expect(isDtype('F32')).toBe(true);
  for (const name of ['constructor', '__proto__', 'toString', 'f32', 7]) expect(isDtype(name)).toBe(false);
});
