import type { BenchResult } from '#dist/bench/bench.js';
import { median } from '#dist/bench/machine.js';
import { type ScalingPoint, straightLine } from '#dist/bench/scaling.js';
import type { SoakResult } from '#dist/bench/soak.js';

/** Results by part; parts that were never measured are missing. */
export type Results = Record<string, unknown>;

/** What a second task costs over a first one. */
export interface TaskCost {
  readonly model: string;
  readonly batch: number;
  readonly engine: string;
  /** Ratio of the times of a step, by runs in which the tasks take turns. */
  readonly times: readonly number[];
  /** Ratio of the operations of matrix products. */
  readonly products: number;
  /** Ratio of the largest resident memory, each task in a process of its own. */
  readonly memory: number;
}

const names: Readonly<Record<string, string>> = {
  'base-f32': 'ViT-B/16 masked, onednn, float32',
  'base-onnx': 'ViT-B/16 masked, onnx, float32',
  'base-bf16': 'ViT-B/16 masked, onednn, bf16',
  'micro-f32': 'micro ViT masked, onednn, float32',
  'micro-onnx': 'micro ViT masked, onnx, float32',
  'finetune-small': 'ViT-S/16 fine-tuning, onednn, float32',
  'segment-linear': 'ViT-S/16 segmentation at 512, linear head, onednn, float32',
  'segment-upernet': 'ViT-S/16 segmentation at 512, UperNet, onednn, float32',
  'detect-shapes': 'micro ViT detection at 64, Mask R-CNN, onednn, float32',
};
const missing = 'Not measured yet.';

const sections: Readonly<Record<string, (results: Results) => string>> = {
  steps: (results) => {
    const found = measured(results);
    if (found.length === 0) return missing;
    const rows = found.map(
      ([
        name,
        {
          batch,
          rows: [row],
          ...result
        },
      ]) => [
        names[name]!,
        `${batch}`,
        `${row!.stepSeconds.toFixed(3)} (${row!.spread.map((x) => x.toFixed(3)).join('–')})`,
        row!.imagesPerSecond.toFixed(1),
        row!.gflops.toFixed(0),
        result.productGflops?.toFixed(0) ?? '',
        result.share === undefined ? '' : `${(100 * result.share).toFixed(0)} %`,
        result.peakGB.toFixed(2),
        result.firstStepExtra.toFixed(1),
      ],
    );
    const head = ['step', 'batch', 'seconds (least–most)', 'img/s', 'GFLOP/s', 'products alone, GFLOP/s'];
    const machines = [...new Set(found.map(([, { machine, engine }]) => `${machine}; ${engine}`))];
    return `${machines.map((line) => `- ${line}`).join('\n')}\n\n${table([[...head, 'share', 'peak GB', 'first step, s more'], ...rows])}`;
  },
  peers: (results) => {
    const rows = measured(results).flatMap(
      ([
        name,
        {
          peers,
          peakGB,
          rows: [row],
        },
      ]) =>
        peers.map((peer) => [
          names[name]!,
          peer.name,
          peer.stepSeconds.toFixed(3),
          `**${(peer.stepSeconds / row!.stepSeconds).toFixed(2)} ×**`,
          peer.peakGB.toFixed(2),
          `${(peakGB / peer.peakGB).toFixed(2)} ×`,
          peer.apart.toExponential(0),
        ]),
    );
    if (rows.length === 0) return missing;
    const head = ['step', 'beside', 'its seconds', 'ours is', 'its peak GB', 'our memory', 'losses within'];
    return table([head, ...rows]);
  },
  tasks: (results) => {
    const costs = results.tasks as TaskCost[] | undefined;
    if (!costs) return missing;
    const rows = costs.map(({ model, batch, engine, times, products, memory }) => {
      const [least, most] = [Math.min(...times).toFixed(2), Math.max(...times).toFixed(2)];
      const time = `**${median(times).toFixed(2)} ×** (${least}–${most})`;
      return [model, `${batch}`, engine, time, `${products.toFixed(2)} ×`, `${memory.toFixed(2)} ×`];
    });
    return table([
      ['model', 'batch', 'engine', 'time, median (least–most)', 'products', 'peak memory'],
      ...rows,
    ]);
  },
  slowest: (results) => {
    const result = results['base-f32'] as BenchResult | undefined;
    if (!result) return missing;
    const rows = result.slowest.map(({ name, calls, milliseconds, flops }) => [
      `\`${name}\``,
      `${calls}`,
      milliseconds.toFixed(1),
      flops > 0 ? (flops / milliseconds / 1e6).toFixed(0) : '',
    ]);
    return table([['operation', 'calls', 'ms', 'GFLOP/s'], ...rows]);
  },
  scaling: (results) => {
    const points = results.scaling as ScalingPoint[] | undefined;
    if (!points) return missing;
    const axes = [...new Set(points.map(({ axis }) => axis))];
    const rows = axes.map((axis) => {
      const own = points.filter((point) => point.axis === axis);
      return [
        axis,
        own.map(({ value }) => value).join(', '),
        own.map(({ stepSeconds }) => (1000 * stepSeconds).toFixed(0)).join(', '),
        own.map(({ flops, stepSeconds }) => (flops / stepSeconds / 1e9).toFixed(0)).join(', '),
        `${(100 * offLine(own)).toFixed(1)} %`,
      ];
    });
    const head = ['varied', 'values', 'ms', 'GFLOP/s', 'farthest from a straight line of time by FLOPs'];
    return `${table([head, ...rows])}\n\n![seconds of a step by its work](scaling.svg)`;
  },
  soak: (results) => {
    const result = results.soak as SoakResult | undefined;
    if (!result) return missing;
    const { engine, steps, early, late, growth } = result;
    return `${engine}, ${steps} steps of the micro model: ${(1000 * early).toFixed(0)} MB resident after the warm-up, ${(1000 * late).toFixed(0)} MB at the end (${(100 * growth).toFixed(2)} %).`;
  },
  loader: (results) => {
    const rates = measured(results).flatMap(
      ([
        name,
        {
          loaderImagesPerSecond: rate,
          rows: [row],
        },
      ]) =>
        rate === undefined || !name.startsWith('micro')
          ? []
          : `- ${names[name]}: the loader makes ${rate.toFixed(0)} images of CIFAR-10 a second, ${(rate / row!.imagesPerSecond).toFixed(0)} × the rate of the step.`,
    );
    if (results.loader === undefined && rates.length === 0) return missing;
    const text = results.loader === undefined ? [] : ['```', (results.loader as string).trim(), '```'];
    return [...rates, '', ...text].join('\n').trim();
  },
};

/** The page with new text between `<!-- measured: NAME -->` and `<!-- end -->`. Throws Error for an unknown name. */
export function fillPage(page: string, results: Results): string {
  return page.replaceAll(/(<!-- measured: (.*?) -->\n).*?(<!-- end -->)/gs, (_, start, name, end) => {
    const section = sections[name];
    if (!section)
      throw new Error(`a section must be one of ${Object.keys(sections).join(', ')}, got ${name}`);
    return `${start}${section(results)}\n${end}`;
  });
}

function measured(results: Results): (readonly [string, BenchResult])[] {
  return Object.keys(names).flatMap((name) =>
    results[name] ? [[name, results[name] as BenchResult] as const] : [],
  );
}

function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Largest relative distance of seconds from the least-squares line over FLOPs. */
function offLine(points: readonly ScalingPoint[]): number {
  const line = straightLine(points);
  return Math.max(...points.map(({ flops, stepSeconds }) => Math.abs(stepSeconds / line(flops) - 1)));
}
