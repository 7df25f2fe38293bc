import { gelu } from '../../graph/composites/gelu.ts';
import { layerNorm } from '../../graph/composites/layer-norm.ts';
import { grad } from '../../graph/grad.ts';
import { conv } from '../../graph/operations/conv.ts';
import { add, mul } from '../../graph/operations/elementwise.ts';
import { sumAll } from '../../graph/operations/reduce.ts';
import { input } from '../../graph/operations/source.ts';
import { optimise } from '../../graph/passes/optimise.ts';
import { type Program, program } from '../../graph/program.ts';
import { type Node, sizeOf, type Tensor, type Values } from '../../graph/tensor.ts';
import { topologicalOrder } from '../../graph/topology.ts';
import { attentionSizes } from './attention-choice.ts';
import { checkInputs, checkProgram } from './fused-check.ts';
import { kept } from './stablehlo/precision.ts';
import { fitsTile } from './triton/attention.ts';
import { fitsFilterBanks } from './triton/filter-banks.ts';

/** Rows of the trial: more than the programs of a kernel, which then take several each, and not a multiple. */
const ROWS = 1001;

/** A small program with each kernel that a program would use, and inputs for it. */
export interface KernelTrial {
  readonly trial: Program;
  readonly inputs: () => Values;
}

/** The trial of a program's kernels; undefined if it would use none. */
export function kernelTrial(of: Program): KernelTrial | undefined {
  const parts: { readonly prefix: string; readonly part: Program; readonly inputs: () => Values }[] = [];
  const nodes = topologicalOrder(Object.values(optimise(of, { keep: kept }).outputs));
  for (const width of widthsOf(nodes)) {
    const part = rowsProgram(width);
    parts.push({ prefix: `width ${width}`, part, inputs: () => waves(part) });
  }
  for (const { inputs, attributes } of nodes.filter(usesFilterBanks)) {
    const [[, , , width], [all, ...filter]] = inputs.map(({ shape }) => shape) as [number[], number[]];
    const [out, channels] = [all! / attributes.groups, filter[0]!];
    const prefix = `filters ${out}, ${filter} on ${width}`;
    const images = input(`${prefix} images`, [1, 2 * channels, 6, width!]);
    const filters = input(`${prefix} filters`, [2 * out, ...filter]);
    const part = program('filters', { y: conv(images, filters, { padding: attributes.padding, groups: 2 }) });
    parts.push({ prefix, part, inputs: () => waves(part) });
  }
  for (const size of attentionSizes(of).filter(fitsTile)) {
    const prefix = `attention ${size.queries} × ${size.features} by ${size.scale}`;
    const part = checkProgram(size, prefix);
    parts.push({ prefix, part, inputs: () => checkInputs(part, size) });
  }
  if (parts.length === 0) return undefined;
  const outputs = parts.flatMap(({ prefix, part }) =>
    Object.entries(part.outputs).map(([name, tensor]) => [`${prefix} ${name}`, tensor] as const),
  );
  return {
    trial: program('trial', Object.fromEntries(outputs)),
    inputs: () => Object.assign({}, ...parts.map(({ inputs }) => inputs())),
  };
}

const usesFilterBanks = ({ operation, inputs, attributes }: Node) =>
  operation.name === 'conv' && fitsFilterBanks(inputs[0]!.shape, inputs[1]!.shape, attributes);

/** Features of the rows that norms and GELU read. */
function widthsOf(nodes: readonly Node[]): Set<number> {
  const rowwise = nodes.filter(({ operation: { name } }) => /^(layerNorm|gelu)/.test(name));
  return new Set(rowwise.map(({ inputs }) => inputs[0]!.shape.at(-1)!));
}

/** GELU, a layer norm with a residual sum, and their gradients, with sums over rows for the biases. */
function rowsProgram(width: number): Program {
  const named = (name: string, ...shape: number[]) => input(`${width} ${name}`, shape);
  const [x, factor] = [named('x', ROWS, width), named('factor', ROWS, width)];
  const vectors = ['before', 'after', 'weight', 'bias'].map((name) => named(name, width));
  const [before, after, weight, bias] = vectors as [Tensor, Tensor, Tensor, Tensor];
  const residual = add(gelu(add(x, before)), after);
  const y = add(residual, layerNorm(residual, weight, bias));
  const gradients = grad(sumAll(mul(y, factor)), [x, ...vectors]);
  return program('rows', { y, ...Object.fromEntries(gradients.map((dx, i) => [`gradient ${i}`, dx!])) });
}

/** Numbers between −2.3 and 2.7 for each input. */
function waves({ inputs }: Program): Values {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }], which) => {
      const values = Float32Array.from(
        { length: sizeOf(shape) },
        (_, i) => Math.sin(1.7 * i + which) * 2.5 + 0.2,
      );
      return [name, values];
    }),
  );
}
