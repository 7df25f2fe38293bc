import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GraphError, type Values } from '../../graph/tensor.ts';
import type { Engine, Session, SessionOptions } from '../engine.ts';
import { AttentionChoice, type AttentionSetting } from './attention-choice.ts';
import { Compiler } from './compiler.ts';
import { KernelChoice } from './kernel-choice.ts';
import { Api } from './pjrt/api.ts';
import { Client } from './pjrt/client.ts';
import type { ClientOptions } from './pjrt/client-options.ts';
import type { CompileOptions } from './pjrt/compile-options.ts';
import { XlaError } from './pjrt/error.ts';
import { platformOf } from './plugins.ts';
import { XlaSession } from './session.ts';
import type { Precision } from './stablehlo/precision.ts';

export interface XlaOptions {
  /** Path of a PJRT plugin, a shared library. */
  readonly plugin: string;
  /** Number of devices that share each step's micro-batches. Default: 1. */
  readonly devices?: number | undefined;
  /** Default: bf16 on accelerators, f32 on CPUs. */
  readonly precision?: Precision | undefined;
  /** Recomputes attention and the hidden features of MLPs in the backward pass: less memory, more work. */
  readonly rematerialise?: boolean | undefined;
  /** Fused (cuDNN) or unfused attention. Default: `auto`, fused if the device, bf16 and the heads allow it. */
  readonly attention?: AttentionSetting | undefined;
  /**
   * This project's own kernels for GELU, norms, attention of few tokens and banks of filters, with bf16 on NVIDIA GPUs of
   * compute capability 8.0 or above. Default: true.
   */
  readonly kernels?: boolean | undefined;
  /** Type of the gradients of weight matrices; `bf16` requires precision bf16. Default: f32. */
  readonly gradients?: Precision | undefined;
  /** Folder of the cache of compiled programs. Default: no cache. */
  readonly cache?: string | undefined;
  /** Sums in a fixed order, at some cost in speed. */
  readonly deterministic?: boolean | undefined;
  /** XLA flags for all programs, such as `xla_gpu_autotune_level`. */
  readonly flags?: CompileOptions['flags'];
  /** Receives warnings about settings that could not be followed. Default: console.warn. */
  readonly warn?: ((message: string) => void) | undefined;
}

export interface XlaEngine extends Engine {
  readonly client: Client;
  readonly precision: Precision;
}

/**
 * Opens XLA through a PJRT plugin: GPUs, TPUs, CPUs. Throws XlaError if the plugin cannot be used or has too few
 * devices.
 */
export async function openXlaEngine(options: XlaOptions): Promise<XlaEngine> {
  const client = await clientOf(options.plugin);
  const { devices: count = 1, cache } = options;
  const isCpu = client.platform === 'cpu';
  const precision = options.precision ?? (isCpu ? 'f32' : 'bf16');
  const devices = client.devices.slice(0, count);
  if (devices.length < count)
    throw new XlaError(
      `engine.devices must not exceed the devices found, got ${count} and ${client.devices.length}`,
    );
  if (options.gradients === 'bf16' && precision !== 'bf16')
    throw new XlaError(`engine.gradients bf16 requires engine.precision bf16, got ${precision}`);
  const flags = { ...gpuFlags(client.platform, options), ...options.flags };
  const compiler = new Compiler(client, cache, flags);
  const { attention: setting = 'auto', warn = console.warn } = options;
  const place = { client, compiler, device: devices[0]!, precision };
  const attention = AttentionChoice.open(setting, place, warn);
  const kernels = KernelChoice.open(options.kernels ?? true, place, warn);
  const times = count > 1 ? `${count} × ` : '';
  return {
    name: 'xla',
    client,
    precision,
    description: `XLA (${client.platform}: ${times}${devices[0]!.kind}, ${precision})`,
    async open(state: Values, { collective }: SessionOptions = {}): Promise<Session> {
      if (collective)
        throw new GraphError(
          `the xla engine sums gradients over its own devices only, got the collective ${collective.module}; set engine.devices, or use another engine`,
        );
      const session = new XlaSession(client, compiler, devices, {
        precision,
        rematerialise: options.rematerialise,
        gradients: options.gradients,
        attention,
        kernels,
      });
      await session.add(state);
      return session;
    },
  };
}

/** Products by cuBLAS, whose kernels add the bias while they write. XLA's own kernels leave it to another pass. */
export const libraryProducts = { xla_gpu_enable_triton_gemm: false } as const;

/** Folder of CUDA's assembler and device functions next to a plugin from pip, and the flags for the options. */
function gpuFlags(platform: string, { plugin, deterministic }: XlaOptions): Record<string, boolean | string> {
  if (platform !== 'cuda' && platform !== 'rocm') return {};
  const cuda = join(dirname(plugin), '..', '..', 'nvidia', 'cu13');
  return {
    ...(platform === 'cuda' && libraryProducts),
    ...(existsSync(cuda) && { xla_gpu_cuda_data_dir: cuda }),
    ...(deterministic && { xla_gpu_deterministic_ops: true }),
  };
}

const clients = new Map<string, Promise<Client>>();

/** One client per plugin and process: a second client would compete for the memory of the same devices. */
function clientOf(plugin: string): Promise<Client> {
  let client = clients.get(plugin);
  if (!client) {
    client = Api.load(plugin, platformOf(plugin) === 'cpu').then((api) =>
      Client.create(api, optionsFor(plugin)),
    );
    clients.set(plugin, client);
    client.catch(() => clients.delete(plugin));
  }
  return client;
}

/** By default, GPU plugins reserve three quarters of the memory at once and can never use more. */
function optionsFor(plugin: string): ClientOptions {
  return ['cuda', 'rocm'].includes(platformOf(plugin)) ? { preallocate: false, memory_fraction: 0.92 } : {};
}
