// npm run test:exports -- PYTHON: reads exports with the libraries that they are for.
// PYTHON (default: python3) has the packages of tests/oracle/requirements-exports.txt, PyTorch and torchvision.
import { spawnSync } from 'node:child_process';

const [python = 'python3'] = process.argv.slice(2);
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--config', 'tests/export/vitest.config.ts', '--root', '.'],
  {
    stdio: 'inherit',
    env: { ...process.env, EXPORTS_PYTHON: python },
  },
);
process.exitCode = status ?? 1;
