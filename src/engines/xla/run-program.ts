import type { Program } from '../../graph/program.ts';
import { sizeOf, type Values } from '../../graph/tensor.ts';
import type { Compiler } from './compiler.ts';
import { Buffer } from './pjrt/buffer.ts';
import type { Client, Device } from './pjrt/client.ts';
import type { Executable } from './pjrt/executable.ts';
import { type LowerOptions, lower } from './stablehlo/lower.ts';
import { FunctionWriter, moduleText } from './stablehlo/writer.ts';

/** A compiled program with named inputs and outputs on one device. Arrays outside of it are flat. */
export class RunProgram {
  readonly #executable: Executable;
  readonly #program: Program;
  readonly #client: Client;
  readonly #device: Device;

  private constructor(program: Program, client: Client, device: Device, executable: Executable) {
    this.#program = program;
    this.#client = client;
    this.#device = device;
    this.#executable = executable;
  }

  static async prepare(
    program: Program,
    client: Client,
    compiler: Compiler,
    device: Device,
    options: LowerOptions,
  ): Promise<RunProgram> {
    const executable = await compiler.compile(programText(program, options), [device]);
    return new RunProgram(program, client, device, executable);
  }

  /** @param inState returns the buffers of inputs missing from `inputs` */
  async run(inputs: Values, inState: (name: string) => Buffer): Promise<Values> {
    const sent: Buffer[] = [];
    const results: Buffer[] = [];
    try {
      const handles = Object.entries(this.#program.inputs).map(([name, { dtype, shape }]) => {
        const data = inputs[name];
        if (!data) return inState(name).handle;
        sent.push(this.#client.put(data, [sizeOf(shape)], dtype, this.#device));
        return sent.at(-1)!.handle;
      });
      const { outputs, done } = await this.#executable.execute([handles]);
      const entries = Object.entries(this.#program.outputs);
      for (const [i, [, { dtype, shape }]] of entries.entries())
        results.push(new Buffer(this.#client.api, outputs[0]![i]!, [sizeOf(shape)], dtype));
      const arrays = await Promise.all(results.map((buffer) => buffer.read()));
      await Promise.all([done, ...sent.map((buffer) => buffer.sent)]);
      return Object.fromEntries(entries.map(([name], i) => [name, arrays[i]!]));
    } finally {
      for (const buffer of [...sent, ...results]) buffer.destroy();
    }
  }
}

/** A program as a module whose main function takes and returns flat arrays. */
export function programText(program: Program, options: LowerOptions = {}): string {
  const { name, text, inputs, outputs } = lower(program, 'program', options);
  const writer = new FunctionWriter(inputs.map(([, { shape, type }]) => ({ shape: [sizeOf(shape)], type })));
  const operands = inputs.map(([, { shape }], i) => writer.reshape(writer.arguments[i]!, shape));
  const results = writer.call(
    name,
    operands,
    outputs.map(([, type]) => type),
  );
  const flat = results.map((result) => writer.reshape(result, [sizeOf(result.shape)]));
  return moduleText([text, writer.finish('main', flat)]);
}
