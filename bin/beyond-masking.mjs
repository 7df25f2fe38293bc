#!/usr/bin/env node
// npm links this file, which is in the repository, and not one that a build writes anew: a link needs a file that is there
// and executable.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);

if (existsSync(main)) await import(main.href);
else {
  console.error('error: beyond-masking must be built before it runs, got no dist/cli/main.js: npm run build');
  process.exitCode = 1;
}
