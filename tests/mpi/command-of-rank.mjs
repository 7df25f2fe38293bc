// The command, with further arguments on one rank: node command-of-rank.mjs RANK JSON ARGUMENTS...
import { launchedWorld } from '#dist/exports/engines.js';

const [rank, more] = process.argv.splice(2, 2);
if (launchedWorld().rank === Number(rank)) process.argv.push(...JSON.parse(more));
await import('#dist/cli/main.js');
