import type { Backend } from '../backends/backend.ts';
import type { Config } from '../config/schema.ts';

/** Opens the engine that the settings name. Each is loaded only when it is asked for. */
export async function openEngine({ name, threads }: Config['engine']): Promise<Backend> {
  if (name === 'reference') return (await import('../backends/reference/backend.ts')).referenceBackend;
  const { openOnnxBackend } = await import('../backends/onnx/backend.ts');
  return openOnnxBackend({ native: name === 'onnx', ...(threads > 0 && { threads }) });
}
