import { join } from 'node:path';
import { ConfigError } from '../config/error.ts';
import type { Config } from '../config/schema.ts';
import type { Backend } from '../engines/engine.ts';
import { librarySets, setFolder } from '../engines/setup/library-sets.ts';
import { cacheFolder } from '../io/cache-folder.ts';

type EngineSettings = Config['engine'];

/**
 * Opens the engine that the settings name. Each is loaded only when it is asked for. `auto` is XLA where a plugin with
 * an accelerator is found, else onednn where that runs, else onnx.
 */
export async function openEngine(settings: EngineSettings): Promise<Backend> {
  const { name, precision, threads } = settings;
  if (name === 'auto') return openBest(settings);
  if (name === 'xla') return openXla(settings);
  const special = xlaOnly(settings);
  if (special) throw new ConfigError(`${special} takes engine.name xla, got ${name}`);
  if (name === 'onednn') return openOneDnn(settings);
  if (precision === 'bf16')
    throw new ConfigError(`engine.precision ${precision} takes engine.name xla or onednn, got ${name}`);
  if (name === 'reference') return (await import('../engines/reference/backend.ts')).referenceBackend;
  const { openOnnxBackend } = await import('../engines/onnx/backend.ts');
  return openOnnxBackend({ native: name === 'onnx', ...(threads > 0 && { threads }) });
}

/** A setting that no other engine has. */
function xlaOnly({ devices, attention, gradients }: EngineSettings): string | undefined {
  if (devices > 1) return 'engine.devices above 1';
  if (attention === 'fused') return 'engine.attention fused';
  return gradients === 'bf16' ? 'engine.gradients bf16' : undefined;
}

/** XLA where a plugin with an accelerator is found; elsewhere a CPU's engine. */
async function openBest(settings: EngineSettings): Promise<Backend> {
  if (process.env.BEYOND_MASKING_PJRT_PLUGIN) return openXla(settings); // what is named must work
  try {
    return await openXla(settings, true);
  } catch (error) {
    if (xlaOnly(settings)) throw error;
    const reason = await accelerator(error as Error);
    const engine = await openCpu(settings);
    if (reason === undefined) return engine;
    const notices = [`${reason}. The ${engine.name} engine runs instead.`, engine.notice];
    return { ...engine, notice: notices.filter((line) => line !== undefined).join(' ') };
  }
}

/** Why an accelerator that this machine has does not work; undefined where it has none. */
async function accelerator(error: Error): Promise<string | undefined> {
  const { hasNvidia, NoDeviceError } = await import('../engines/xla/open-found.ts');
  if (!(error instanceof NoDeviceError)) return error.message;
  if (error.failures.length > 0) return error.failures.join('; ');
  return hasNvidia()
    ? "An NVIDIA GPU needs XLA's plugin: `npx beyond-masking setup cuda13` installs it"
    : undefined;
}

/** Whether the onednn engine runs on this kind of machine. */
export const runsOneDnn = process.platform === 'linux' && process.arch === 'x64';

/** Where `setup onednn` installs oneDNN. */
export const oneDnnFolder = (): string => setFolder(librarySets.onednn, cacheFolder());

async function openOneDnn({ precision, threads }: EngineSettings): Promise<Backend> {
  const { openOneDnnBackend } = await import('../engines/onednn/backend.ts');
  return openOneDnnBackend({
    folder: oneDnnFolder(),
    precision: precision === 'auto' ? 'f32' : precision,
    ...(threads > 0 && { threads }),
  });
}

/** onednn where it runs; elsewhere onnx, with a line that tells why where that can be changed. */
async function openCpu(settings: EngineSettings): Promise<Backend> {
  const onnx = () => openEngine({ ...settings, name: 'onnx' });
  if (!runsOneDnn) return onnx();
  try {
    return await openOneDnn(settings);
  } catch (error) {
    if (settings.precision === 'bf16') throw error; // nothing else has it
    const notice = `${error instanceof Error ? error.message : error}. The onnx engine runs instead.`;
    return { notice, ...(await onnx()) };
  }
}

async function openXla(
  { precision, devices, rematerialise, attention, gradients, deterministic }: EngineSettings,
  acceleratorsOnly = false,
): Promise<Backend> {
  const { openFoundXla } = await import('../engines/xla/open-found.ts');
  return openFoundXla({
    places: { cache: join(cacheFolder(), 'pjrt') },
    cache: join(cacheFolder(), 'xla'),
    acceleratorsOnly,
    devices,
    rematerialise,
    attention,
    gradients,
    deterministic,
    ...(precision !== 'auto' && { precision }),
  });
}
