import { constant, constantData } from '../operations/source.ts';
import { type Program, program } from '../program.ts';
import type { CompositeName, ForInputs, NodeOf } from '../signatures.ts';
import { applyAll, type Node, type Operation, sizeOf, type Tensor, type TensorData } from '../tensor.ts';
import { topologicalOrder } from '../topology.ts';
import { simplify } from './simplify.ts';

/** An engine's decompositions of composites, by name. They replace the composites' default decompositions. */
export type Decompositions = { readonly [N in CompositeName]?: DecompositionOf<N> };
export type DecompositionOf<N extends CompositeName> = (
  node: NodeOf<N>,
  inputs: ForInputs<N, Tensor>,
) => Tensor[];

/**
 * An operation's decomposition on an engine: the engine's if it has one, else the default; undefined for a primitive.
 */
export function partsOf(
  { operation }: Node,
  decompositions: Decompositions = {},
): Operation['decompose'] | undefined {
  const other = decompositions[operation.name as CompositeName] as Operation['decompose'];
  return other ?? operation.decompose;
}

export interface OptimiseOptions {
  /** Composites that the engine computes as a whole; all others are decomposed. Default: none. */
  readonly keep?: ReadonlySet<string> | undefined;
  readonly decompositions?: Decompositions | undefined;
  /** Computes a node from constant inputs. Without it, constants are not folded. */
  readonly evaluate?: ((node: Node, inputs: readonly TensorData[]) => TensorData[]) | undefined;
}

/**
 * A folded result may be larger than its inputs only up to this number of elements. Beyond it, broadcasting at run
 * time is cheaper.
 */
const SMALL = 1 << 12;

/**
 * An equivalent program with fewer nodes: decomposes composites, folds constants, simplifies, merges common
 * subexpressions and drops nodes that no output needs.
 */
export function optimise({ name, inputs, outputs }: Program, options: OptimiseOptions = {}): Program {
  const rebuilt = new Rebuild(options).run(Object.values(outputs));
  const results = Object.fromEntries(Object.keys(outputs).map((key, i) => [key, rebuilt[i]!]));
  const optimised = program(name, results);
  // Callers may still pass inputs that folding removed.
  return { ...optimised, inputs: { ...inputs, ...optimised.inputs } };
}

class Rebuild {
  /** Nodes of the new graph. */
  readonly #settled = new Set<Node>();
  readonly #known = new Map<string, Tensor[]>();
  readonly #contents = new Map<string, number>();
  readonly #options: OptimiseOptions;

  constructor(options: OptimiseOptions) {
    this.#options = options;
  }

  /** Rebuilds `outputs` and their inputs in the new graph. */
  run(outputs: readonly Tensor[]): Tensor[] {
    const replaced = new Map<Tensor, Tensor>();
    const follow = (tensor: Tensor) => (this.#settled.has(tensor.node) ? tensor : replaced.get(tensor)!);
    for (const node of topologicalOrder(outputs, this.#settled)) {
      const results = this.#make(node, node.inputs.map(follow));
      node.outputs.forEach((output, i) => {
        replaced.set(output, results[i]!);
      });
    }
    return outputs.map(follow);
  }

  #make(node: Node, inputs: readonly Tensor[]): Tensor[] {
    const { operation, attributes, outputs } = node;
    const decompose = partsOf(node, this.#options.decompositions);
    if (decompose && !this.#options.keep?.has(operation.name)) return this.run(decompose(node, inputs));
    const simpler = simplify(operation, inputs, attributes, outputs[0]!.shape);
    if (simpler) return this.run([simpler]);
    return this.#fold(node, inputs) ?? this.#merge(node, inputs);
  }

  #fold(node: Node, inputs: readonly Tensor[]): Tensor[] | undefined {
    const { evaluate } = this.#options;
    if (!evaluate || inputs.length === 0 || node.operation.decompose) return undefined;
    const total = (tensors: readonly Tensor[]) => tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const data = inputs.map(constantData);
    if (total(node.outputs) > Math.max(SMALL, total(inputs)) || data.some((values) => !values))
      return undefined;
    const values = evaluate(node, data as TensorData[]);
    return this.run(node.outputs.map(({ shape }, i) => constant(values[i]!, shape)));
  }

  #merge({ operation, attributes, outputs }: Node, inputs: readonly Tensor[]): Tensor[] {
    const key = `${operation.name}(${inputs.map(({ node, index }) => `${node.id}:${index}`).join()})`;
    const full = key + this.#attributesKey(attributes);
    let results = this.#known.get(full);
    if (!results) {
      // Sources are reused, so that the program keeps its inputs.
      results = inputs.length === 0 ? [...outputs] : applyAll(operation, inputs, attributes);
      this.#known.set(full, results);
      this.#settled.add(results[0]!.node);
    }
    return results;
  }

  /** A key of the attributes. Constants with equal bytes get equal keys. */
  #attributesKey({ data, exact: _, ...rest }: { data?: TensorData; exact?: number }): string {
    const text = JSON.stringify(rest, (_, value) => (typeof value === 'number' ? String(value) : value));
    if (!data) return text;
    const bytes = new TextDecoder('latin1').decode(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    const number = this.#contents.get(bytes) ?? this.#contents.size;
    this.#contents.set(bytes, number);
    return `${text}#${number}`;
  }
}
