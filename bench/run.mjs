// npm run bench -- NAME [options]: runs bench/NAME.ts, which is compiled to bench/dist/. Its first comment is its help.
import { readdirSync, readFileSync } from 'node:fs';

const [name, ...options] = process.argv.slice(2);
const folder = new URL('.', import.meta.url);

/** Benchmarks and their first comments, without its marks. */
const help = new Map(
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file.slice(0, -3), readFileSync(new URL(file, folder), 'utf8')])
    .map(([file, text]) => [file, /^\/\*\*\n(.*?)\n \*\//s.exec(text)?.[1].replace(/^ \* ?/gm, '')])
    .filter(([file, text]) => text?.includes(`npm run bench -- ${file}`)),
);

if (!help.has(name)) {
  const list = [...help].map(
    ([each, text]) => `  ${each.padEnd(13)}${text.split(/\.\s|:\s/)[0].replaceAll('\n', ' ')}`,
  );
  const usage = `npm run bench -- NAME [options]; NAME --help says more\n\n${list.join('\n')}`;
  const asked = name === undefined || name === '--help';
  if (asked) console.log(usage);
  else console.error(`error: a benchmark must be one of ${[...help.keys()].join(', ')}, got ${name}`);
  process.exit(asked ? 0 : 2);
}
if (options.includes('--help')) {
  console.log(help.get(name));
  process.exit(0);
}
process.argv.splice(2, process.argv.length, ...options);
try {
  await import(`./dist/${name}.js`);
} catch (error) {
  console.error(
    process.env.DEBUG
      ? error
      : `error: ${error.message} (DEBUG=1 prints where; \`npm run bench -- ${name} --help\`)`,
  );
  process.exit(1);
}
