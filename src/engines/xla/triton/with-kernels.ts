import { reshape, sliceAxis } from '../../../graph/operations/shape.ts';
import { sum } from '../../../graph/operations/sum.ts';
import { type Program, program } from '../../../graph/program.ts';
import { applyAll, type Node, sameShape, type Tensor } from '../../../graph/tensor.ts';
import { topologicalOrder } from '../../../graph/topology.ts';
import { attentionGradKernel } from './attention.ts';
import { filterBanksKernel, fitsFilterBanks } from './filter-banks.ts';
import { fitsGelu, geluGradKernel, geluKernel } from './gelu.ts';
import { fitsLayerNorm, layerNormGradKernel, layerNormKernel } from './layer-norm.ts';

/**
 * The program with GELU, layer norms, their gradients and banks of filters in kernels. The gradient of a norm takes in the
 * sum of residual gradients that follows. Sums of results over their rows (gradients of biases) are taken from the
 * kernels' partial sums, so that no pass reads the results for them.
 */
export function withKernels({ name, inputs, outputs }: Program): Program {
  const rebuilt = new Rebuild(Object.values(outputs)).results();
  const results = Object.keys(outputs).map((key, i) => [key, rebuilt[i]!] as const);
  return { ...program(name, Object.fromEntries(results)), inputs };
}

class Rebuild {
  readonly #outputs: readonly Tensor[];
  readonly #readers = new Map<Tensor, Node[]>();
  readonly #replaced = new Map<Tensor, Tensor>();
  /** Sums over the rows [1, D], by result. */
  readonly #sums = new Map<Tensor, Tensor>();

  constructor(outputs: readonly Tensor[]) {
    this.#outputs = outputs;
  }

  results(): Tensor[] {
    const order = topologicalOrder(this.#outputs);
    for (const node of order)
      for (const input of node.inputs) this.#readers.set(input, [...(this.#readers.get(input) ?? []), node]);
    for (const node of order) {
      if (node.outputs.some((output) => this.#replaced.has(output))) continue;
      const inputs = node.inputs.map((input) => this.#replaced.get(input)!);
      const made = this.#kernel(node, inputs) ?? copy(node, inputs);
      node.outputs.forEach((output, i) => {
        this.#replaced.set(output, made[i]!);
      });
    }
    return this.#outputs.map((output) => this.#replaced.get(output)!);
  }

  #kernel(node: Node, inputs: readonly Tensor[]): Tensor[] | undefined {
    const { operation, outputs } = node;
    const [x] = inputs;
    if (operation === attentionGradKernel) {
      const made = copy(node, inputs);
      this.#sums.set(made[0]!, sum(made[1]!, [0]));
      return made;
    }
    switch (operation.name) {
      case 'gelu':
        return fitsGelu(x!.shape) ? applyAll(geluKernel, inputs) : undefined;
      case 'geluGrad': {
        if (!fitsGelu(x!.shape)) return undefined;
        const [dx, parts] = applyAll(geluGradKernel, inputs) as [Tensor, Tensor];
        this.#sums.set(dx, sum(parts, [0]));
        return [dx];
      }
      case 'conv':
        return fitsFilterBanks(x!.shape, inputs[1]!.shape, node.attributes)
          ? applyAll(filterBanksKernel, inputs, node.attributes)
          : undefined;
      case 'layerNorm':
        return fitsLayerNorm(x!.shape) ? applyAll(layerNormKernel, inputs, node.attributes) : undefined;
      case 'layerNormGrad':
        return fitsLayerNorm(x!.shape) ? this.#layerNormGrad(outputs[0]!, inputs) : undefined;
      case 'sum':
        return this.#sumOfRows(node, x!);
      default:
        return undefined;
    }
  }

  #layerNormGrad(dx: Tensor, inputs: readonly Tensor[]): Tensor[] {
    const following = this.#followingSum(dx);
    const term = following && this.#replaced.get(following.inputs.find((input) => input !== dx)!);
    const made = applyAll(layerNormGradKernel, term ? [...inputs, term] : inputs);
    const [result, parts] = made as [Tensor, Tensor];
    const width = result.shape.at(-1)!;
    const sums = sum(parts, [0]);
    const [ofWeight, ofBias, ofResult] = [0, 1, 2].map((i) => sliceAxis(sums, 1, i * width, (i + 1) * width));
    this.#sums.set(result, ofResult!);
    if (term) this.#replaced.set(following.outputs[0]!, result);
    return [result, ...[ofWeight!, ofBias!].map((gradient) => reshape(gradient, [width]))];
  }

  /** The sum that alone reads a tensor; undefined if there is none, or a result of the program must be exact. */
  #followingSum(tensor: Tensor): Node | undefined {
    const [reader, ...others] = this.#readers.get(tensor) ?? [];
    if (!reader || others.length > 0 || reader.operation.name !== 'add') return undefined;
    const fits = reader.inputs.every(({ shape }) => sameShape(shape, tensor.shape));
    const results = [tensor, ...reader.outputs];
    return fits && !results.some((result) => this.#outputs.includes(result)) ? reader : undefined;
  }

  /** A sum over all axes but the last, from a kernel. */
  #sumOfRows({ attributes: { axes }, outputs }: Node, x: Tensor): Tensor[] | undefined {
    if (axes.length !== x.shape.length - 1 || axes.includes(x.shape.length - 1)) return undefined;
    let source = x;
    while (source.node.operation.name === 'reshape' && source.node.inputs[0]!.shape.at(-1) === x.shape.at(-1))
      source = source.node.inputs[0]!;
    const sums = this.#sums.get(source);
    return sums && [reshape(sums, outputs[0]!.shape)];
  }
}

/** The node with other inputs. Sources are reused, so that the program keeps its inputs. */
function copy({ operation, attributes, outputs }: Node, inputs: readonly Tensor[]): Tensor[] {
  return inputs.length === 0 ? [...outputs] : applyAll(operation, inputs, attributes);
}
