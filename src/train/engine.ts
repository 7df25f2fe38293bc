import type { Backend } from '../backends/backend.ts';
import { ConfigError } from '../config/error.ts';
import type { Config } from '../config/schema.ts';

/** Opens the engine that the settings name. Each is loaded only when it is asked for. */
export async function openEngine({ name, precision, threads }: Config['engine']): Promise<Backend> {
  if (name === 'onednn') {
    const { openOneDnnBackend } = await import('../backends/onednn/backend.ts');
    return openOneDnnBackend({ precision, ...(threads > 0 && { threads }) });
  }
  if (precision !== 'f32')
    throw new ConfigError(`engine.precision ${precision} takes engine.name onednn, got ${name}`);
  if (name === 'reference') return (await import('../backends/reference/backend.ts')).referenceBackend;
  const { openOnnxBackend } = await import('../backends/onnx/backend.ts');
  return openOnnxBackend({ native: name === 'onnx', ...(threads > 0 && { threads }) });
}
