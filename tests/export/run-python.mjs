// npm run test:exports -- PYTHON: reads exports with the libraries that they are for.
// PYTHON (default: python3) has the packages of tests/oracle/requirements-exports.txt, PyTorch and torchvision.
import { spawnSync } from 'node:child_process';

const [python = 'python3'] = process.argv.slice(2);
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  'tests/export/vitest.config.ts',
  '--root',
  '.',
];
const { status } = spawnSync(process.execPath, vitest, {
  stdio: 'inherit',
  env: { ...process.env, EXPORTS_PYTHON: python },
});
process.exitCode = status ?? 1;
