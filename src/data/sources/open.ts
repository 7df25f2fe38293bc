import { stat } from 'node:fs/promises';
import system from 'node:path';
import { suggestion } from '../../text/nearest.ts';
import { DataError } from '../error.ts';
import { homePath } from '../home-path.ts';
import type { Dataset } from './dataset.ts';
import type { OpenOptions, SourceScheme, Verified } from './scheme.ts';
import { allForms, formsOf, sources, withOthers } from './table.ts';

type Paths = Pick<typeof system, 'join' | 'resolve' | 'sep'>;
type Others = readonly SourceScheme[];

/**
 * Opens a data set by its name on the command line, as the table of sources has it (`list sources`); any other text is the path of a
 * folder, all images below it. A path may begin with `~`, the home folder, which shells leave alone after a colon.
 * Images of a source that is fetched are fetched when they are not in the cache; of other images the cache keeps digests.
 *
 * ```ts
 * const flowers = await openDataset('classes:~/flowers');
 * const mine = await openDataset('mine:7', { sources: [{ scheme: 'mine', argument: 'N', … }] });
 * ```
 * Rejects with a DataError that says what is wrong and what to do. Single files are opened by `openImages`.
 */
export async function openDataset(spec: string, options: OpenOptions = {}): Promise<Dataset> {
  if (spec === '') throw new DataError(`the data must be named: ${allForms(options.sources)}; got nothing`);
  const { source, colon, rest, named } = parse(spec, options.sources);
  if (!named) await requireFolder(spec, options.sources);
  if (colon && rest === '') throw new DataError(`the data must be named: ${namesOf(source)}; got '${spec}'`);
  if (source.argument === undefined && colon && !Object.hasOwn(source.splits ?? {}, rest)) {
    const names = formsOf(source).map(([form]) => form);
    throw new DataError(
      `the data must be named: ${namesOf(source)}; got '${spec}'${suggestion(spec, names)}`,
    );
  }
  return source.open(homePath(rest), options);
}

/** Rejects with a DataError for a path of nothing: it may be a misspelt scheme. */
async function requireFolder(spec: string, others?: Others): Promise<void> {
  const path = homePath(spec);
  await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    const schemes = withOthers(others).map(({ scheme }) => scheme);
    const hint = suggestion(spec.split(':')[0]!, schemes);
    throw new DataError(`the data folder must exist, got '${path}'${hint}`);
  });
}

function namesOf(source: SourceScheme): string {
  return formsOf(source)
    .map(([form]) => form)
    .join(', ');
}

/** The kind of a source and what its name says beside it; a text without a scheme is a path. */
function parse(
  spec: string,
  others?: Others,
): { source: SourceScheme; colon: boolean; rest: string; named: boolean } {
  const [, name, colon, rest = ''] = /^([^:]*)(:?)(.*)$/s.exec(spec)!;
  const source = withOthers(others).find(({ scheme }) => scheme === name);
  // A folder may have the name of a scheme whose names need a colon.
  if (source && (colon || source.argument === undefined))
    return { source, colon: colon === ':', rest, named: true };
  return { source: sources[0], colon: false, rest: spec, named: false };
}

/** True if a name is that of a data set by its form, and not the path of a file or folder. */
export function isSpec(name: string, others?: Others): boolean {
  return parse(name, others).named;
}

/** The same source with an absolute path, for programs that run elsewhere; sources without a path are left as they are. */
export function absoluteSource(
  spec: string,
  { paths = system, sources: others }: { readonly paths?: Paths; readonly sources?: Others | undefined } = {},
): string {
  const { source, rest, named } = parse(spec, others);
  if (rest === '') return spec;
  const absolute = source.absolute ?? ((path: string) => paths.resolve(homePath(path, paths)));
  if (!named) return absolute(rest);
  return source.argument === undefined ? spec : `${source.scheme}:${absolute(rest)}`;
}

/**
 * The source of the test set that belongs to a source; undefined where there is none. `cifar10:train` has none: of the training images
 * alone a share is held out, so that settings are chosen without the test set.
 */
export function testSetOf(spec: string, others?: Others): string | undefined {
  const { source, rest } = parse(spec, others);
  return source.testSet?.(rest);
}

/** Examines a source where its kind has more to examine than images; undefined where it has not. */
export async function verifySource(spec: string, options: OpenOptions = {}): Promise<Verified | undefined> {
  const { source, rest } = parse(spec, options.sources);
  const whole = source.argument === undefined ? spec === source.scheme : rest !== '';
  return whole ? source.verify?.(homePath(rest), options) : undefined;
}

/** The path that a source names, a leading `~` resolved; empty where it names none. */
export function pathOf(spec: string, others?: Others): string {
  const { source, rest } = parse(spec, others);
  return source.argument === undefined ? '' : homePath(rest);
}

/** The kind of source that a text names. */
export function schemeOf(spec: string, others?: Others): SourceScheme {
  return parse(spec, others).source;
}
