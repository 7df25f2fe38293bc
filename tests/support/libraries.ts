import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasBf16 } from '../../src/engines/onednn/cpu.ts';
import { libraryFiles } from '../../src/engines/onednn/library.ts';
import { librarySets, setFolder } from '../../src/engines/setup/library-sets.ts';
import { cacheFolder } from '../../src/io/cache-folder.ts';
import { launcherOf } from './mpi-launchers.ts';
import { cpuPlugin } from './xla.ts';

/** A dependency that npm does not install, with the tests that need it. Nothing else excuses a skipped test. */
interface Library {
  readonly name: string;
  /** A property of the machine, which cannot be installed. */
  readonly ofMachine?: true;
  /** Detects it, if possible by other means than the tested code. */
  readonly isThere: () => boolean | Promise<boolean>;
  /** Folders of tests that are skipped as a whole without it. */
  readonly folders: readonly string[];
  /** Other tests that are skipped without it: beginnings of `file > full name`. */
  readonly tests: readonly string[];
  /** Folders and files of tests that pass without it, but run differently with it. */
  readonly also?: readonly string[];
}

const TURBOJPEG = ['libturbojpeg.so.0', 'libturbojpeg.dylib', 'turbojpeg.dll'];

/** Folder of `setup onednn`. */
export const oneDnnFolder = setFolder(librarySets.onednn, cacheFolder());

export const libraries: readonly Library[] = [
  {
    name: 'onednn',
    isThere: async () => (await Promise.all(libraryFiles(oneDnnFolder).map(loads))).includes(true),
    folders: ['src/engines/onednn/', 'tests/onednn/'],
    tests: [
      'src/bench/bench.test.ts > the onednn engine',
      'src/bench/bench.test.ts > bench on onednn',
      'tests/composites.test.ts > composites and their gradients equal PyTorch on onednn',
      'tests/conv.test.ts > convolutions on onednn',
      'tests/detector.test.ts > a detector (vitdet) > equals PyTorch in losses, gradients and proposals on onednn',
      'tests/detector.test.ts > a detector (boxes) > equals PyTorch in losses, gradients and proposals on onednn',
      'tests/flat-patches.test.ts > flat patches on onednn ',
      'tests/flat-patches.test.ts > losses of pictures with flat patches on onednn ',
      'tests/hog.test.ts > histograms of bytes on onednn ',
      'tests/mpi/ranks.test.ts > ranks of onednn ',
      'tests/mpi/training.test.ts > training on ranks of onednn ',
      "tests/mpi/training.test.ts > ranks > end when rank 1's engine is killed",
      'tests/mpi/training.test.ts > ranks > detect on the engine onednn',
      'tests/process-death.test.ts > when the process of the onednn engine is killed',
      'tests/process-death.test.ts > when a run on the onednn engine is killed',
      'tests/tasks.test.ts > tasks agree with the oracle on onednn',
    ],
    // Commands choose this engine if it is installed, and it runs in a separate process.
    also: [
      'src/engines/setup/',
      'tests/cli.test.ts',
      'tests/cli-advise.test.ts',
      'tests/cli-finetune.test.ts',
      'tests/cli-judge.test.ts',
      'tests/images.test.ts',
      'tests/interrupt.test.ts',
      'tests/onednn-missing.test.ts',
      'tests/signals.test.ts',
    ],
  },
  ...(['Open MPI', 'MPICH'] as const).map((name) => ({
    name,
    isThere: () => launcherOf(name) !== undefined,
    folders: [],
    tests: [
      `tests/mpi/ranks.test.ts > ranks of onednn on ${name} `,
      `tests/mpi/ranks.test.ts > ranks of onnx on ${name} `,
      `tests/mpi/sums.test.ts > sums on ${name} `,
      `tests/mpi/training.test.ts > training on ranks of onednn on ${name} `,
      `tests/mpi/training.test.ts > training on ranks of onnx on ${name} `,
      ...[0, 1].map((rank) => `tests/mpi/training.test.ts > ranks > when rank ${rank} is killed on ${name} `),
      ...(name === 'Open MPI' ? ['tests/mpi/training.test.ts > ranks '] : []),
    ],
  })),
  {
    name: 'libturbojpeg',
    isThere: async () => (await Promise.all(TURBOJPEG.map(loads))).includes(true),
    folders: [],
    tests: [],
    also: ['src/data/decode/', 'src/data/load/'],
  },
  {
    name: 'a CPU with bfloat16',
    ofMachine: true,
    isThere: () => process.platform === 'linux' && hasBf16(),
    folders: [],
    tests: [
      'src/engines/onednn/attention.test.ts > attention over long sequences in bf16',
      'src/engines/onednn/operations.test.ts > the onednn engine in bf16',
      'src/engines/onednn/session.test.ts > bfloat16',
      'tests/flat-patches.test.ts > flat patches on onednn bf16 ',
      'tests/flat-patches.test.ts > losses of pictures with flat patches on onednn bf16 ',
      'tests/hog.test.ts > histograms of bytes on onednn bf16 ',
    ],
  },
  {
    name: 'oneDNN by setup',
    isThere: () => existsSync(oneDnnFolder),
    folders: [],
    tests: ['tests/onednn-installed.test.ts > the installed oneDNN'],
  },
  {
    name: 'xla',
    isThere: () =>
      existsSync(join(cacheFolder(), 'pjrt', 'cpu')) ||
      cpuPlugin().then(
        () => true,
        () => false,
      ),
    folders: ['src/engines/xla/', 'tests/xla/'],
    tests: [
      'tests/conv.test.ts > convolutions on xla',
      'tests/detector.test.ts > a detector (vitdet) > equals PyTorch in losses, gradients and proposals on xla',
      'tests/detector.test.ts > a detector (boxes) > equals PyTorch in losses, gradients and proposals on xla',
      'tests/flat-patches.test.ts > flat patches on xla ',
      'tests/flat-patches.test.ts > losses of pictures with flat patches on xla ',
      'tests/hog.test.ts > histograms of bytes on xla ',
    ],
  },
  {
    name: 'POSIX',
    ofMachine: true,
    isThere: () => process.platform !== 'win32',
    folders: [],
    tests: [
      'src/data/sources/cifar10.test.ts > fetchCifar10 with another npm',
      'src/data/sources/folder.test.ts > ',
      'src/engines/setup/install.test.ts > with pip',
      'src/evaluate/features/embed.test.ts > ',
      'src/run/lock.test.ts > ',
      'tests/bin.test.ts > ',
      'tests/disk.test.ts > ',
      'tests/output-streams.test.ts > ',
      'tests/signals.test.ts > ',
    ],
  },
  {
    name: 'Linux',
    ofMachine: true,
    isThere: () => process.platform === 'linux',
    folders: [],
    tests: [
      'src/run/lock.test.ts > ',
      'tests/disk.test.ts > ',
      'tests/mpi/end-process.test.ts > ',
      'tests/output-streams.test.ts > ',
    ],
  },
];

function loads(file: string): Promise<boolean> {
  return import('koffi')
    .then(
      ({ default: koffi }) => koffi.load(file) !== undefined,
      () => false,
    )
    .catch(() => false);
}

/**
 * Names of the missing libraries. With `TEST_ENGINES=all`, or with `TEST_ENGINES=libraries` as in `.ci/run`, every
 * library that can be installed must be there, and excuses no test.
 */
export async function missingLibraries(): Promise<string[]> {
  const wanted = libraries.filter(({ ofMachine }) => ofMachine || !process.env.TEST_ENGINES);
  const there = await Promise.all(wanted.map(({ isThere }) => isThere()));
  return wanted.filter((_, i) => !there[i]).map(({ name }) => name);
}

/**
 * Files of tests whose result depends on the libraries. They include all tests that a missing library may skip, so
 * that each runs with or without the libraries.
 */
export function testsOfLibraries(): string[] {
  const installed = libraries.filter(({ ofMachine, name }) => !ofMachine || name === 'a CPU with bfloat16');
  const places = installed.flatMap(({ folders, tests, also = [] }) => [
    ...folders,
    ...tests.map((name) => name.split(' > ')[0]!),
    ...also,
  ]);
  return [...new Set(places)].map((place) => (place.endsWith('/') ? `${place}**/*.test.ts` : place));
}

/** In a test: true if `vitest.config.ts` found the library missing. */
export const isMissing = (name: string): boolean =>
  (process.env.MISSING_LIBRARIES ?? '').split('|').includes(name);
