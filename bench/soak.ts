/**
 * Resident memory over many steps of the micro model: constant within 1 % after the first tenth.
 *
 *   npm run bench -- soak
 *   npm run bench -- soak --engine onnx --steps 1000 --batch 64
 *
 * Ends with status 1 if memory grows by more. Compares the median of the last tenth with that of the second tenth.
 */
import { parseArgs } from 'node:util';
import { soak } from '#dist/bench/soak.js';
import { parseConfig } from '#dist/config/schema.js';

const { values: args } = parseArgs({
  options: {
    engine: { type: 'string', default: 'onednn' },
    precision: { type: 'string', default: 'auto' },
    model: { type: 'string', default: 'micro' },
    batch: { type: 'string', default: '64' },
    steps: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
});
const { engine } = parseConfig({ engine: { name: args.engine, precision: args.precision } } as object);
const result = await soak({
  engine,
  model: args.model,
  batch: Number(args.batch),
  steps: Number(args.steps),
  onSample: (step, gigabytes) => {
    if (!args.json) console.log(`after ${step} steps: ${(1000 * gigabytes).toFixed(0)} MB`);
  },
});
if (args.json) console.log(JSON.stringify(result));
else
  console.log(
    `${result.engine}: ${result.steps} steps, ${(1000 * result.early).toFixed(0)} MB after the warm-up, ` +
      `${(1000 * result.late).toFixed(0)} MB at the end: ${(100 * result.growth).toFixed(2)} %`,
  );
if (result.growth > 0.01) process.exitCode = 1;
