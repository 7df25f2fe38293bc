import { z } from 'zod';
import { flag, oneOf, whole } from './fields.ts';
import { forms, valueAt } from './walk.ts';

/*
 * Settings of an engine: a union discriminated by its name. Each engine accepts its own settings only.
 */

const precision = oneOf(['auto', 'f32', 'bf16'])
  .default('auto')
  .describe(
    'type of the matrix products; weights, moments, norms, softmax and losses stay f32; ' +
      'auto: bf16 on accelerators, f32 on CPUs',
  );
const threads = whole(0).default(0).describe('threads of the engine on a CPU; 0: one for each core');

const names = ['auto', 'onnx', 'onednn', 'xla', 'wasm', 'reference'] as const;

export const engine = z
  .discriminatedUnion(
    'name',
    [
      form(z.literal('auto').default('auto'), { precision, threads }),
      form(z.literal('onnx'), { threads }),
      form(z.literal('onednn'), { precision, threads }),
      form(z.literal('xla'), {
        precision,
        devices: whole(1)
          .default(1)
          .describe(
            'devices that share the micro-batches of an update; the number of micro-batches must be a multiple (see training.microBatch)',
          ),
        rematerialise: flag()
          .default(false)
          .describe('recompute attention and MLPs in the backward pass: less memory, more work'),
        attention: oneOf(['auto', 'fused', 'parts'])
          .default('auto')
          .describe(
            "fused (cuDNN's kernels), parts (products and a softmax), auto (fused on NVIDIA GPUs with bf16, where a trial agrees)",
          ),
        kernels: flag()
          .default(true)
          .describe(
            "this project's kernels for GELU, norms and short attention, on NVIDIA GPUs with bf16, where a trial agrees",
          ),
        gradients: oneOf(['f32', 'bf16'])
          .default('f32')
          .describe('type of the gradients of weight matrices; bf16 needs precision bf16'),
        deterministic: flag()
          .default(false)
          .describe('always sum in the same order, so that runs are reproducible; slower on GPUs'),
      }),
      form(z.literal('wasm'), { threads }),
      form(z.literal('reference'), {}),
    ],
    {
      error: ({ code }) =>
        code === 'invalid_union' ? `must be one of ${names.join(', ')}` : 'must be a group of settings',
    },
  )
  .describe(
    'auto (xla where an accelerator is found, else onednn where it is installed, else onnx), ' +
      'onnx (onnxruntime, native where installed), onednn (where oneDNN is installed: faster on x86, and bf16), ' +
      'xla (GPUs and TPUs, by a PJRT plugin: see `doctor`), wasm (onnxruntime as WebAssembly), ' +
      'reference (slow, float64)',
  );

function form<N extends z.ZodType, T extends z.ZodRawShape>(name: N, shape: T) {
  return z.strictObject({ name, ...shape });
}

export type EngineSettings = z.output<typeof engine>;
export type EngineInput = z.input<typeof engine>;
export type EngineName = EngineSettings['name'];
export const engineNames: readonly EngineName[] = names;

/** The number of devices that share an update. */
export function devicesOf(settings: EngineSettings): number {
  return settings.name === 'xla' ? settings.devices : 1;
}

/** Values that have no effect: an engine without the setting behaves the same. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  precision: ['auto', 'f32'],
  threads: [0, 1], // engines without threads compute on one
  devices: [1],
  rematerialise: [false],
  attention: ['auto', 'parts'],
  kernels: [true, false],
  gradients: ['f32'],
  deterministic: [false],
};

/** Settings that the versions which wrote all of them did not have. */
const NEWER: readonly string[] = ['kernels'];

/**
 * Settings whose engine has only its own, for the schema to check: one that another engine has is left out where it asks nothing.
 * Earlier versions wrote all settings of all engines, and ignored settings of other engines; their `auto` with settings that
 * xla alone has means xla.
 */
export function withOwnEngineSettings(input: unknown): unknown {
  const given = valueAt(input, ['engine']);
  if (typeof given !== 'object' || given === null) return input;
  const isOld = Object.keys(NEUTRAL).every((key) => key in given || NEWER.includes(key));
  const { name = 'auto' } = given as { readonly name?: unknown };
  const foreign = (of: unknown) => {
    const own = forms(engine)!.get(String(of));
    return Object.entries(given).filter(([key]) => own && key in NEUTRAL && !(key in own));
  };
  const asksNothing = ([key, value]: [string, unknown]) =>
    value === undefined || NEUTRAL[key]!.includes(value);
  const meant = isOld && name === 'auto' && !foreign(name).every(asksNothing) ? 'xla' : name;
  const dropped = new Set(
    foreign(meant)
      .filter((entry) => isOld || asksNothing(entry))
      .map(([key]) => key),
  );
  const remaining = Object.entries(given).filter(([key]) => !dropped.has(key));
  return { ...(input as object), engine: { ...Object.fromEntries(remaining), name: meant } };
}
