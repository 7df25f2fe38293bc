// Makes the linter's import rules (biome.rooms.json) and the column "may import" of CONTRIBUTING.md from
// src/rooms.json:
//
//   npm run rooms               # after a change of the table
//   npm run rooms -- --check    # fails if one of them differs from the table
//
// A row of the table is a folder of src/, a folder in one, or a file directly in src/. Rows are ordered from the
// lowest to the
// highest. A row may import the rows in its list, all from above it. Tests may import anything.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const table = JSON.parse(readFileSync('src/rooms.json', 'utf8'));
const rooms = Object.keys(table.imports);
const isFile = (room) => room.endsWith('.ts');
const allowed = (room) => table.imports[room].split(' ').filter(Boolean);
const hasRooms = (room) => rooms.some((other) => dirname(other) === room);
/** All folders and files below src/, with their parent folders. */
const entries = readdirSync('src', { recursive: true, withFileTypes: true }).map((entry) => ({
  name: entry.name,
  folder: entry.parentPath.replaceAll('\\', '/'),
  isFolder: entry.isDirectory(),
}));

/** Faults of the table, by itself and against src/. */
function faults() {
  const inSrc = entries.filter(
    ({ folder, name }) => folder === 'src' && !/^rooms\.json$|\.test\.ts$/.test(name),
  );
  return [
    ...inSrc.flatMap(({ name }) => (rooms.includes(name) ? [] : [`src/${name} has no row`])),
    ...rooms.flatMap((room, row) => {
      const folders = entries.filter(({ name, isFolder }) => isFolder && name === basename(room));
      const above = rooms.slice(0, row);
      return [
        ...(isFile(room) || folders.length === 1
          ? []
          : [`one folder must be called ${basename(room)}, for rules go by names, got ${folders.length}`]),
        ...allowed(room).flatMap((other) =>
          above.includes(other) ? [] : [`${room} imports ${other}, which is no row above it`],
        ),
      ];
    }),
  ];
}

/** Import paths of a room: gitignore-style patterns of the text between the quotes. */
function patterns(room, importer) {
  if (!isFile(room)) return [`**/${basename(room)}/${hasRooms(room) ? '*' : '**'}`];
  if (isFile(importer)) return [`./${room}`];
  // If a folder has a file of the same name, only the rule against cycles protects the other one.
  if (entries.some(({ name, folder }) => name === room && `${folder}/`.startsWith(`src/${importer}/`)))
    return [];
  return ['../', '../../', '../../../'].map((up) => up + room);
}

/** Imports forbidden in all of src/: other folders of the repository, and the library by its name. */
const OUTSIDE = ['**/tests/**', '**/scripts/**', 'beyond-masking', 'beyond-masking/**'];

const override = (includes, group, name, options) => ({
  includes,
  linter: { rules: { [group]: { [name]: { level: 'error', ...options } } } },
});
const filesOf = (room) => (isFile(room) ? `src/${room}` : `src/${room}/${hasRooms(room) ? '*' : '**'}`);
const withoutTests = (files) => [...files, '!**/*.test.ts'];

const overrides = [
  ...rooms.map((room) => {
    const forbidden = rooms.filter((other) => other !== room && !allowed(room).includes(other));
    const group = [...OUTSIDE, ...forbidden.flatMap((other) => patterns(other, room))];
    const message = `${room} may import ${allowed(room).join(', ') || 'nothing'}: src/rooms.json says so.`;
    return override(withoutTests([filesOf(room)]), 'style', 'noRestrictedImports', {
      options: { patterns: [{ group, message }] },
    });
  }),
  override(withoutTests(table.withoutNode.split(' ').map(filesOf)), 'correctness', 'noNodejsModules'),
];

/** A Markdown table with a new last cell in each row of a room. */
function withColumn(text) {
  const missing = rooms.filter((room) => !text.includes(`\n| \`${room}${isFile(room) ? '' : '/'}\` |`));
  if (missing.length > 0) throw new Error(`CONTRIBUTING.md must have a row for ${missing.join(', ')}`);
  return text.replace(/^(\| `([\w./-]+?)\/?` \| .* \|) [^|]* \|$/gm, (row, start, room) =>
    rooms.includes(room) ? `${start} ${allowed(room).join(', ') || 'nothing'} |` : row,
  );
}

const wrong = faults();
const written = {
  'biome.rooms.json': `{ "overrides": [\n${overrides.map((rule) => JSON.stringify(rule)).join(',\n')}\n] }\n`,
  'CONTRIBUTING.md': withColumn(readFileSync('CONTRIBUTING.md', 'utf8')),
};
for (const [path, text] of Object.entries(written)) {
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text)
    wrong.push(`${path} is out of step with src/rooms.json: npm run rooms`);
}
for (const fault of wrong) console.error(fault);
if (wrong.length > 0) process.exitCode = 1;
