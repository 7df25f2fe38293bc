/**
 * Counts the work of the lowered steps, to be committed if it had to grow or could shrink.
 *
 *   npm run bench -- budget
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countWork } from '#dist/bench/budget.js';

const path = fileURLToPath(new URL('../../src/bench/budget.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(countWork(), null, 2)}\n`);
console.log(path);
