/** Rows one behind the other: draws of the images of a batch. */
export function joined(rows: readonly Float32Array[]): Float32Array;
export function joined(rows: readonly (Float32Array | Uint8Array)[]): Float32Array | Uint8Array;
export function joined(rows: readonly (Float32Array | Uint8Array)[]): Float32Array | Uint8Array {
  const length = rows.reduce((sum, row) => sum + row.length, 0);
  const all = rows[0] instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
