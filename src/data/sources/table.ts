import { absoluteBoxes, validationOf as validationBoxes } from '../boxes/files.ts';
import { openBoxes } from '../boxes/open.ts';
import { verifyBoxes } from '../boxes/verify.ts';
import { openMasks, validationOf } from '../masks/open.ts';
import { verifyMasks } from '../masks/verify.ts';
import { cifar10 } from './cifar10.ts';
import { openClassFolders, openFolder } from './folder.ts';
import { idx } from './idx.ts';
import { nuclei, nucleiObjects } from './nuclei.ts';
import { openPacked } from './packed.ts';
import type { OpenOptions, SourceScheme } from './scheme.ts';

/** How a folder is searched while its opening is watched. */
function searchOptions({ onProgress, onNote, signal, cache }: OpenOptions) {
  const onFound = (done: number) => onProgress?.({ phase: 'search', done, total: 0 });
  return { onFound, onNote, signal, cache };
}

/** The kinds of sources. The first one is also that of a path without a scheme. */
export const sources: readonly [SourceScheme, ...SourceScheme[]] = [
  {
    scheme: 'folder',
    argument: 'FOLDER',
    help: 'all images below the folder, without classes; `folder:` may be left out',
    example: '~/photos',
    labelled: false,
    open: (path, options) => openFolder(path, searchOptions(options)),
  },
  {
    scheme: 'classes',
    argument: 'FOLDER',
    help: 'a sub-folder for each class',
    example: 'classes:~/flowers',
    labelled: true,
    open: (path, options) => openClassFolders(path, searchOptions(options)),
  },
  {
    scheme: 'packed',
    argument: 'FOLDER',
    help: 'what `data pack` wrote: decoded, shrunk images, with classes where the source has them',
    example: 'packed:~/flowers-320',
    labelled: true,
    open: (path) => openPacked(path),
  },
  {
    scheme: 'masks',
    argument: 'FOLDER',
    help: 'images with a mask of classes each; FOLDER@val for a part of them',
    example: 'masks:~/nuclei',
    labelled: false,
    open: (path, options) => openMasks(path, searchOptions(options)),
    testSet: (path) => validationOf(path),
    verify: verifyMasks,
  },
  {
    scheme: 'boxes',
    argument: 'PATH',
    help: "images with boxes of their objects, from COCO's JSON, PASCAL VOC's XML or YOLO's texts; PATH@val for a part",
    example: 'boxes:~/coco',
    labelled: false,
    open: (path, options) => openBoxes(path, searchOptions(options)),
    absolute: absoluteBoxes,
    testSet: (path) => validationBoxes(path),
    verify: verifyBoxes,
  },
  idx,
  cifar10,
  nuclei,
  nucleiObjects,
];

/** The table with further kinds before it. */
export function withOthers(others: readonly SourceScheme[] = []): readonly SourceScheme[] {
  return [...others, ...sources];
}

/** Every form of the names of a kind, with a line about each. */
export function formsOf({
  scheme,
  argument,
  splits = {},
  help,
}: SourceScheme): [form: string, help: string][] {
  if (argument !== undefined) return [[`${scheme}:${argument}`, help]];
  return [
    [scheme, help],
    ...Object.entries(splits).map(([split, line]): [string, string] => [`${scheme}:${split}`, line]),
  ];
}

/** All forms in words: `a folder, folder:FOLDER, … or cifar10:test`. */
export function allForms(others?: readonly SourceScheme[]): string {
  return alternatives([
    'a folder',
    ...withOthers(others)
      .flatMap(formsOf)
      .map(([form]) => form),
  ]);
}

/** The kinds in words, without their splits: `a folder, classes:FOLDER, packed:FOLDER, idx:FOLDER or cifar10`. */
export const anySource = alternatives(['a folder', ...sources.slice(1).map(shortForm)]);

/** The sources with classes, in words: `classes:FOLDER, packed:FOLDER, idx:FOLDER or cifar10`. */
export const labelledSource = alternatives(sources.filter(({ labelled }) => labelled).map(shortForm));

/** The sources with a test set, in words. */
export const testedSource = alternatives(
  sources.filter(({ labelled, testSet }) => labelled && testSet).map(shortForm),
);

function shortForm(source: SourceScheme): string {
  return formsOf(source)[0]![0];
}

/** `a`, `a or b`, `a, b or c`. */
function alternatives(all: readonly string[]): string {
  const last = all.at(-1)!;
  return all.length === 1 ? last : `${all.slice(0, -1).join(', ')} or ${last}`;
}
