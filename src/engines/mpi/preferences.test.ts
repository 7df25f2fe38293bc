import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { preferences } from './preferences.ts';

it('lets Open MPI sum large arrays in a ring: its rules are a file of the package', () => {
  const { OMPI_MCA_coll_tuned_dynamic_rules_filename: file, ...others } = preferences({});
  expect(others.OMPI_MCA_coll_tuned_use_dynamic_rules).toBe('1');
  const [collectives, allReduce, bounds, ...rest] = readFileSync(file!, 'utf8')
    .replaceAll(/#.*/g, '')
    .split(/\s+/)
    .filter(Boolean)
    .map(Number);
  expect([collectives, allReduce]).toEqual([1, 2]);
  expect(rest).toHaveLength(bounds! * 10);
  // Number of ranks, number of sizes, then bytes, algorithm, 0 and 0 for each size. A ring's parts have at least 64 kB.
  for (let i = 0; i < rest.length; i += 10) {
    const [ranks, ...sizes] = rest.slice(i, i + 10);
    expect(sizes).toEqual([2, 0, 0, 0, 0, Math.max(65536 * ranks!, 2 ** 18), 4, 0, 0]);
  }
});

it("leaves the user's own rules", () => {
  const own = { OMPI_MCA_coll_tuned_use_dynamic_rules: '1', OMPI_MCA_coll_tuned_allreduce_algorithm: '3' };
  expect(preferences(own)).toEqual({ UCX_MEM_MMAP_HOOK_MODE: 'none' });
});
