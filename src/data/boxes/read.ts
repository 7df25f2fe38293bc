import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../error.ts';
import { inParallel } from '../load/parallel.ts';
import type { AnnotatedImage, AnnotationSet } from './annotated.ts';
import { parseCoco } from './coco.ts';
import { type BoxFiles, ENDINGS, isClassList } from './layout.ts';
import { readText } from './read-text.ts';
import { parseVoc } from './voc.ts';
import { parseYolo } from './yolo.ts';

/** Annotations with the digest of their files. */
export interface ReadAnnotations extends AnnotationSet {
  readonly digest: string;
}

/** The longest text of JavaScript engines is a little longer. */
const MOST_BYTES = 500e6;

/**
 * Reads annotations of any kind. @param others files of the other parts, whose classes are numbered together with these
 * @param classes their names by a list; COCO's JSON has its own
 * Rejects with a DataError for a file that is too large or of another form, and with the system's error.
 */
export async function readAnnotations(
  { kind, annotations }: BoxFiles,
  others: readonly BoxFiles[],
  classes: readonly string[] | undefined,
): Promise<ReadAnnotations> {
  if (kind === 'coco') return readCoco(annotations);
  return kind === 'voc'
    ? readVoc(
        annotations,
        others.map((other) => other.annotations),
        classes,
      )
    : readYolo(annotations, classes);
}

async function readCoco(file: string): Promise<ReadAnnotations> {
  const { size } = await stat(file);
  if (size > MOST_BYTES)
    throw new DataError(
      `a file of annotations may have 500 MB at most, got ${(size / 1e6).toFixed(0)} MB in '${file}': split it into files of fewer images`,
    );
  const text = await readText(file);
  return { ...parseCoco(text, `'${file}'`), digest: createHash('sha256').update(text).digest('hex') };
}

async function readVoc(
  folder: string,
  others: readonly string[],
  given: readonly string[] | undefined,
): Promise<ReadAnnotations> {
  const { entries, ...rest } = await readFolder(folder, ENDINGS.voc, parseVoc);
  const names = new Set(given);
  const found = [...entries.values()].flatMap(({ objects }) => objects.map(({ name }) => name));
  if (!given) {
    for (const name of found) names.add(name);
    for (const other of new Set(others)) {
      if (other === folder) continue;
      const { entries } = await readFolder(other, ENDINGS.voc, parseVoc);
      for (const { objects } of entries.values()) for (const { name } of objects) names.add(name);
    }
  }
  const classes = given ?? [...names].sort();
  const unknown = found.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new DataError(
      `the objects of '${folder}' must have listed classes, got ${JSON.stringify(unknown)}: list it`,
    );
  const classOf = new Map(classes.map((name, k) => [name, k]));
  const images = [...entries].map(
    ([name, { size, objects }]): AnnotatedImage => ({
      name,
      ...(size && { size }),
      objects: objects.map(({ name: of, ...object }) => ({ ...object, class: classOf.get(of)! })),
    }),
  );
  return { ...rest, classes, images };
}

async function readYolo(folder: string, classes: readonly string[] | undefined): Promise<ReadAnnotations> {
  if (!classes)
    throw new DataError(
      `the classes of YOLO's annotations must be listed beside them, in data.yaml (names: [cat, dog]) or classes.txt (a name a line), got neither for '${folder}'`,
    );
  const { entries, ...rest } = await readFolder(folder, ENDINGS.yolo, (text) =>
    parseYolo(text, classes.length),
  );
  const images = [...entries].map(([name, objects]) => ({ name, shares: true, objects }));
  return { ...rest, classes, images };
}

/** Reads the files of a folder, at any depth; the names of the entries are paths without endings. */
async function readFolder<T>(folder: string, ending: string, parse: (text: string) => T) {
  const all = await readdir(folder, { recursive: true });
  const files = all
    .map((path) => path.replaceAll('\\', '/'))
    .filter(
      (path) => path.toLowerCase().endsWith(ending) && !isClassList(path.slice(path.lastIndexOf('/') + 1)),
    )
    .sort();
  const texts: string[] = [];
  await inParallel(files.length, 4 * availableParallelism(), new AbortController().signal, async (i) => {
    texts[i] = await readText(join(folder, files[i]!));
  });
  const entries = new Map<string, T>();
  const faults: string[] = [];
  const hash = createHash('sha256');
  for (const [i, path] of files.entries()) {
    hash.update(`${path}\0${texts[i]}\0`);
    try {
      entries.set(path.slice(0, -ending.length), parse(texts[i]!));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push(`'${join(folder, path)}': ${error.message}`);
    }
  }
  return { entries, faults, notes: [], digest: hash.digest('hex') };
}
