/*
 * Loops over pieces of arrays, with four sums side by side: a single one would wait for each addition. With arrays of one type only, they run at full
 * speed.
 */

/** Sum of products of `n` values of `a` from `i` on, and of `b` from `j` on. */
export function dot(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let [p, q, r, s] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < n; k += 4) {
    p += a[i + k]! * b[j + k]!;
    q += a[i + k + 1]! * b[j + k + 1]!;
    r += a[i + k + 2]! * b[j + k + 2]!;
    s += a[i + k + 3]! * b[j + k + 3]!;
  }
  for (; k < n; k++) p += a[i + k]! * b[j + k]!;
  return p + q + (r + s);
}

/** Sum of the squared differences of the same values. */
export function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let [p, q, r, s] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < n; k += 4) {
    const x = a[i + k]! - b[j + k]!;
    const y = a[i + k + 1]! - b[j + k + 1]!;
    const z = a[i + k + 2]! - b[j + k + 2]!;
    const w = a[i + k + 3]! - b[j + k + 3]!;
    p += x * x;
    q += y * y;
    r += z * z;
    s += w * w;
  }
  for (; k < n; k++) p += (a[i + k]! - b[j + k]!) ** 2;
  return p + q + (r + s);
}
