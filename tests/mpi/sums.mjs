// A rank that sums arrays: node sums.mjs SEED. Prints one line of JSON.
import { Communicator } from '#dist/engines/mpi/communicator.js';
import { loadMpi } from '#dist/engines/mpi/library.js';
import { rng } from '#dist/random/rng.js';

const seed = Number(process.argv[2]);
/** Floats in a call, so that arrays need several. */
const SLICE = 5;
const library = await loadMpi();
const ranks = new Communicator(library, SLICE);
const { rank, size } = ranks;
const wrong = [];
for (const type of [Float32Array, Float64Array])
  for (const length of [0, 1, 4, 5, 6, 23]) {
    const of = (k) => {
      const stream = rng(seed, length, k);
      return Array.from({ length }, () => Math.fround(stream.uniform() * 2 - 1));
    };
    const buffer = new type(length + 2).fill(7);
    const array = buffer.subarray(1, length + 1);
    array.set(of(rank));
    ranks.sum(array);
    const all = Array.from({ length: size }, (_, k) => of(k));
    const apart = array.map((sum, i) => Math.abs(sum - all.reduce((total, each) => total + each[i], 0)));
    const tolerance = type === Float32Array ? 1e-6 : 1e-15;
    if (apart.some((x) => !(x <= tolerance)) || buffer[0] !== 7 || buffer.at(-1) !== 7)
      wrong.push(`${type.name} of ${length}`);
  }
for (const length of [0, 1, 5, 23]) {
  const of = (k) => Uint8Array.from({ length }, (_, i) => rng(seed, length, k, i).int(256));
  const bytes = of(rank);
  ranks.broadcast(bytes);
  if (bytes.some((byte, i) => byte !== of(0)[i])) wrong.push(`broadcast of ${length}`);
}
let second = '';
try {
  new Communicator(library);
} catch (error) {
  second = error.message;
}
ranks.leave();
console.log(JSON.stringify({ rank, size, wrong, second, file: library.file, version: library.version }));
