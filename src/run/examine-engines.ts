import { join } from 'node:path';
import { openOneDnnEngine } from '../engines/onednn/engine.ts';
import { openOnnxEngine } from '../engines/onnx/engine.ts';
import { examineXla, type XlaReport } from '../engines/xla/doctor.ts';
import { cacheFolder } from '../io/cache-folder.ts';
import { oneDnnFolder, runsOneDnn } from './engine.ts';

/** The engines of a machine. */
export interface EngineReport {
  /** The onnx engine, in one line. */
  readonly onnx: string;
  /** The onednn engine, in one line; undefined where it does not run. */
  readonly onednn: string | undefined;
  readonly xla: XlaReport;
  /** The engine that `auto` takes. */
  readonly auto: 'xla' | 'onednn' | 'onnx';
  /** Missing engines, each with the command that installs it. */
  readonly advice: readonly string[];
}

/** Tries every engine that may need something installed. */
export async function examineEngines(): Promise<EngineReport> {
  const onnx = await openOnnxEngine();
  await (await onnx.open({})).dispose();
  const onednn = await examineOneDnn();
  const xla = await examineXla({ cache: join(cacheFolder(), 'pjrt') });
  const accelerated = xla.plugins.some(
    ({ works, origin }) => works && (works.platform !== 'cpu' || origin === 'BEYOND_MASKING_PJRT_PLUGIN'),
  );
  return {
    onnx: onnx.description,
    onednn: onednn.description,
    xla,
    auto: accelerated ? 'xla' : onednn.description ? 'onednn' : 'onnx',
    advice: [onnx.notice, onednn.advice, xla.advice].filter((line) => line !== undefined),
  };
}

/** The engine with its library in one line, or what is missing. */
async function examineOneDnn(): Promise<{ description?: string; advice?: string }> {
  if (!runsOneDnn) return {};
  try {
    const engine = await openOneDnnEngine({ folder: oneDnnFolder() });
    await (await engine.open({})).dispose();
    return { description: `${engine.description}, ${engine.library}` };
  } catch (error) {
    return { advice: error instanceof Error ? error.message : String(error) };
  }
}
