import { join } from 'node:path';
import { openOnnxBackend } from '../backends/onnx/backend.ts';
import { examineXla, type XlaReport } from '../backends/xla/doctor.ts';
import { cacheFolder } from '../data/cache.ts';

/** What a machine can train on. */
export interface EngineReport {
  /** The onnx engine, in one line. */
  readonly onnx: string;
  readonly xla: XlaReport;
  /** The engine that `auto` takes. */
  readonly auto: 'xla' | 'onnx';
  /** What is missing, each with the command that installs it. */
  readonly advice: readonly string[];
}

/** Tries every engine that may need something installed. */
export async function examineEngines(): Promise<EngineReport> {
  const onnx = await openOnnxBackend();
  await (await onnx.open({})).dispose();
  const xla = await examineXla({ cache: join(cacheFolder(), 'pjrt') });
  const accelerated = xla.plugins.some(
    ({ works, origin }) => works && (works.platform !== 'cpu' || origin === 'BEYOND_MASKING_PJRT_PLUGIN'),
  );
  return {
    onnx: onnx.description,
    xla,
    auto: accelerated ? 'xla' : 'onnx',
    advice: [onnx.notice, xla.advice].filter((line) => line !== undefined),
  };
}
