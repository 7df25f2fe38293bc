/**
 * Images per second of the loader, next to torchvision's ImageFolder + DataLoader on the same files.
 *
 *   npm run bench -- loader --peer /opt/venv/bin/python
 *   npm run bench -- loader --images 1024 --rounds 7 --workers 16
 *
 * The files are 500 × 375 JPEGs (quality 90, about 80 kB) made from CIFAR-10: enlarged, with grain. All rows read the same
 * images once per round, into batches of bytes at 224 × 224 (random resized crop of area 0.2-1, bicubic, mirrored half the time).
 * The rows take turns, so that a change of the machine's speed affects all alike; the best round counts. On a shared machine,
 * processor time is the fairer figure: rate × processor time is at most the number of processors.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { machine, median } from '#dist/bench/machine.js';
import { randomResizedCrop } from '#dist/data/decode/crop.js';
import { BrokenImages } from '#dist/data/load/broken.js';
import { evaluationBatches } from '#dist/data/load/loader.js';
import type { Dataset } from '#dist/data/sources/dataset.js';
import { openDataset } from '#dist/data/sources/open.js';
import { packImages } from '#dist/data/sources/pack.js';
import { rng } from '#dist/random/rng.js';

const { values: args } = parseArgs({
  options: {
    images: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '5' },
    workers: { type: 'string', default: '2' },
    batch: { type: 'string', default: '64' },
    resize: { type: 'string', default: '320' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const WARM_UP = 3;
const [images, rounds, batch] = [Number(args.images), Number(args.rounds), Number(args.batch)];
/** A measured loader. */
interface Row {
  readonly name: string;
  /** Seconds and processor seconds of one pass. */
  readonly round: (n: number) => Promise<{ seconds: number; cpu: number; images: number }>;
  readonly rates: number[];
  readonly cpu: number[];
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const peers: ChildProcessWithoutNullStreams[] = [];
try {
  console.log(machine());
  await run();
} finally {
  for (const peer of peers) peer.kill();
  rmSync(folder, { recursive: true });
}

async function run(): Promise<void> {
  const cifar = await openDataset('cifar10');
  await makeFiles(cifar);
  const pack = join(folder, 'pack');
  const files = await openDataset(`classes:${join(folder, 'images')}`);
  await packImages(files, pack, { resize: Number(args.resize), broken: new BrokenImages() });
  const rows = [
    ours('JPEG files', files, 224),
    ours(`packed at ${args.resize}`, await openDataset(`packed:${pack}`), 224),
    ours('CIFAR-10 at 32', cifar, 32),
    ...args.peer.flatMap((python) => {
      const ask = startPeer(python);
      return ['pillow', 'tensor'].map((decoder) => peerRow(`torchvision, ${decoder}`, ask, decoder));
    }),
  ];
  // Warm-up: threads, processes, file cache, compiled code.
  for (const row of rows) for (let n = 0; n < WARM_UP; n++) await row.round(n);
  for (let n = 0; n < rounds; n++)
    for (const row of rows) {
      const { seconds, cpu, images: seen } = await row.round(WARM_UP + n);
      row.rates.push(seen / seconds);
      row.cpu.push((1000 * cpu) / seen);
    }
  const [jpeg] = rows;
  for (const row of rows) {
    const ratio = (ours: number, theirs: number) => (ours / theirs).toFixed(2);
    const [best, least] = [Math.max(...row.rates), Math.min(...row.cpu)];
    const compared =
      row === jpeg
        ? ''
        : `; ${ratio(best, Math.max(...jpeg!.rates))} × the rate of JPEG files, ${ratio(Math.min(...jpeg!.cpu), least)} × by processor time`;
    console.log(
      `${row.name}: best ${best.toFixed(0)} img/s, median ${median(row.rates).toFixed(0)}; ${least.toFixed(2)} ms of processor time an image${compared}`,
    );
  }
}

/** One pass over a data set with training crops. */
function ours(name: string, data: Dataset, size: number): Row {
  const round = async (n: number) => {
    const start = performance.now();
    const before = process.cpuUsage();
    const settings = { batchSize: batch, size: [size, size] as const, seed: n, threads: true };
    const loader = evaluationBatches(data, { ...settings, crop: randomResizedCrop() });
    let seen = 0;
    for await (const batch of loader) {
      seen += batch.weights.reduce((a, b) => a + b);
      loader.recycle(batch);
    }
    if (seen !== data.length) throw new Error(`${name}: all images must be seen, got ${seen}`);
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, images: seen };
  };
  return { name, round, rates: [], cpu: [] };
}

type Ask = (line: string) => ReturnType<Row['round']>;

function startPeer(python: string): Ask {
  const script = fileURLToPath(new URL('../peers/torch_loader.py', import.meta.url));
  const options = ['--workers', args.workers, '--batch', args.batch, '--size', '224'];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(OPENBLAS|OMP|MKL|GOTO)_/.test(key)),
  );
  const peer = spawn(python, [script, join(folder, 'images'), ...options], { env });
  peers.push(peer);
  peer.stderr.pipe(process.stderr);
  const lines = createInterface(peer.stdout)[Symbol.asyncIterator]();
  return async (line) => {
    peer.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} has ended`);
    return JSON.parse(value) as { images: number; seconds: number; cpu: number };
  };
}

function peerRow(name: string, ask: Ask, decoder: string): Row {
  return { name, round: () => ask(decoder), rates: [], cpu: [] };
}

async function makeFiles(cifar: Dataset): Promise<void> {
  const [width, height] = [500, 375];
  for (let i = 0; i < images; i++) {
    const { data } = await cifar.image((i * 97) % cifar.length);
    const grain = rng(5, i);
    const large = await sharp(data, { raw: { width: 32, height: 32, channels: 3 } })
      .resize(width, height, { fit: 'cover', kernel: 'cubic' })
      .raw()
      .toBuffer();
    for (let at = 0; at < large.length; at += 3) {
      const lighter = (grain.uint32() % 49) - 24;
      for (let c = at; c < at + 3; c++) large[c] = Math.max(0, Math.min(large[c]! + lighter, 255));
    }
    const home = join(folder, 'images', `class${i % 4}`);
    mkdirSync(home, { recursive: true });
    await sharp(large, { raw: { width, height, channels: 3 } })
      .blur(0.5)
      .jpeg({ quality: 90 })
      .toFile(join(home, `${i}.jpg`));
  }
}
