/*
 * Loops over pieces of arrays, with four sums side by side: a single one would wait for each addition. They run at full speed with one index that
 * is an integer for the compiler too, sums that are declared one by one, and arrays of one type.
 */

/** Sum of products of `n` values of `a` from `i` on, and of `b` from `j` on. */
export function dot(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  let k = i | 0;
  const shift = (j | 0) - k;
  const end = k + (n | 0);
  for (; k < end - 3; k += 4) {
    p += a[k]! * b[k + shift]!;
    q += a[k + 1]! * b[k + shift + 1]!;
    r += a[k + 2]! * b[k + shift + 2]!;
    s += a[k + 3]! * b[k + shift + 3]!;
  }
  for (; k < end; k++) p += a[k]! * b[k + shift]!;
  return p + q + (r + s);
}

/** Sum of the squared differences of the same values. */
export function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  let k = i | 0;
  const shift = (j | 0) - k;
  const end = k + (n | 0);
  for (; k < end - 3; k += 4) {
    const x = a[k]! - b[k + shift]!;
    const y = a[k + 1]! - b[k + shift + 1]!;
    const z = a[k + 2]! - b[k + shift + 2]!;
    const w = a[k + 3]! - b[k + shift + 3]!;
    p += x * x;
    q += y * y;
    r += z * z;
    s += w * w;
  }
  for (; k < end; k++) p += (a[k]! - b[k + shift]!) ** 2;
  return p + q + (r + s);
}
