import { join } from 'node:path';
import type { EngineSettings } from '../config/engine.ts';
import type { Engine } from '../engines/engine.ts';
import { librarySets, setFolder } from '../engines/setup/library-sets.ts';
import { cacheFolder } from '../io/cache-folder.ts';

type Settings<Name extends EngineSettings['name']> = Extract<EngineSettings, { name: Name }>;

type XlaSettings = Omit<Settings<'xla'>, 'name'>;

/** Choices that settings leave open. */
export interface OpenEngineOptions {
  /** Precision `auto` is bf16 on CPUs that multiply it. Default: float32 on all CPUs. */
  readonly fast?: boolean;
}

/**
 * Opens the engine that the settings name. Each is loaded only when it is asked for. `auto` is XLA where a plugin with
 * an accelerator is found, else onednn where that runs, else onnx.
 */
export async function openEngine(settings: EngineSettings, options: OpenEngineOptions = {}): Promise<Engine> {
  switch (settings.name) {
    case 'auto':
      return openBest(settings, options);
    case 'xla': {
      const { name: _, ...own } = settings;
      return openXla(own);
    }
    case 'onednn':
      return openOneDnn(settings, options);
    case 'reference':
      return (await import('../engines/reference/engine.ts')).referenceEngine;
    default:
      return openOnnx(settings);
  }
}

/** XLA where a plugin with an accelerator is found; elsewhere a CPU's engine. */
async function openBest(settings: Settings<'auto'>, options: OpenEngineOptions): Promise<Engine> {
  const { precision } = settings;
  if (process.env.BEYOND_MASKING_PJRT_PLUGIN) return openXla({ precision }); // what is named must work
  try {
    return await openXla({ precision }, true);
  } catch (error) {
    const reason = await accelerator(error as Error);
    const engine = await openCpu(settings, options);
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

/** True if the onednn engine runs on this kind of machine. */
export const runsOneDnn = process.platform === 'linux' && process.arch === 'x64';

/** Where `setup onednn` installs oneDNN. */
export const oneDnnFolder = (): string => setFolder(librarySets.onednn, cacheFolder());

async function openOneDnn(
  { precision, threads }: Settings<'auto' | 'onednn'>,
  { fast = false }: OpenEngineOptions,
): Promise<Engine> {
  const { openOneDnnEngine } = await import('../engines/onednn/engine.ts');
  const { hasBf16 } = await import('../engines/onednn/cpu.ts');
  const automatic = fast && runsOneDnn && hasBf16() ? 'bf16' : 'f32';
  return openOneDnnEngine({
    folder: oneDnnFolder(),
    precision: precision === 'auto' ? automatic : precision,
    ...(threads > 0 && { threads }),
  });
}

/** onednn where it runs; elsewhere onnx, with a line about the reason if it can be changed. */
async function openCpu(settings: Settings<'auto'>, options: OpenEngineOptions): Promise<Engine> {
  const onnx = () => openOnnx({ name: 'onnx', threads: settings.threads });
  if (!runsOneDnn) return onnx();
  try {
    return await openOneDnn(settings, options);
  } catch (error) {
    if (settings.precision === 'bf16') throw error; // nothing else has it
    const notice = `${error instanceof Error ? error.message : error}. The onnx engine runs instead.`;
    return { notice, ...(await onnx()) };
  }
}

async function openOnnx({ name, threads }: Settings<'onnx' | 'wasm'>): Promise<Engine> {
  const { openOnnxEngine } = await import('../engines/onnx/engine.ts');
  return openOnnxEngine({ native: name === 'onnx', ...(threads > 0 && { threads }) });
}

async function openXla(
  { precision, ...own }: Pick<XlaSettings, 'precision'> & Partial<XlaSettings>,
  acceleratorsOnly = false,
): Promise<Engine> {
  const { openFoundXla } = await import('../engines/xla/open-found.ts');
  return openFoundXla({
    places: { cache: join(cacheFolder(), 'pjrt') },
    cache: join(cacheFolder(), 'xla'),
    acceleratorsOnly,
    ...own,
    ...(precision !== 'auto' && { precision }),
  });
}
