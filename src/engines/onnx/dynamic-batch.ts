import { GraphError } from '../../graph/tensor.ts';
import { elementTypes, writeAttribute } from './model-writer.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './proto.ts';

/** Primes, so that no side of a model is a multiple of either by chance. */
const BATCHES = [1009, 2003] as const;
/** Name of the open side. */
const BATCH = 'batch';

/**
 * Makes the batch size of a graph dynamic although its shapes are static. Builds the graph for two batch sizes; the
 * differences show which sides depend on the batch. Sides of inputs and outputs get its name, Reshape infers its
 * sides, and Expand reads them from the input. Throws GraphError if anything else depends on the batch.
 */
export function dynamicBatch(build: (batch: number) => OnnxGraph): OnnxGraph {
  const [one, other] = BATCHES.map(build) as [OnnxGraph, OnnxGraph];
  const pairs = <T>(part: (graph: OnnxGraph) => readonly T[]) => zip(part(one), part(other), one.name);
  const shapes = new Map<string, readonly Side[]>();
  const initializers: OnnxTensor[] = [];
  for (const [a, b] of pairs((graph) => graph.initializers))
    if (sameTensor(a, b)) initializers.push(a);
    else shapes.set(a.name, openShape(a, b));
  const inputs = pairs((graph) => graph.inputs).map(openValue);
  const outputs = pairs((graph) => graph.outputs).map(openValue);
  const first = inputs.find(({ shape }) => shape[0] === BATCH);
  if (!first) throw new GraphError(`program "${one.name}" must have the batch as an input's first side`);
  const images = operator('Shape', [first.name], 'batch_size', { start: 0, end: 1 });
  const nodes: OnnxNode[] = [];
  for (const [a, b] of pairs((graph) => graph.nodes)) {
    if (JSON.stringify(a) !== JSON.stringify(b)) throw bound(a.name);
    const sides = shapes.get(a.input[1] ?? '');
    const open = sides && `${a.name}_shape`;
    if (a.input.some((name, i) => shapes.has(name) && i !== 1)) throw bound(a.name);
    if (open && a.opType === 'Reshape')
      initializers.push(
        int64s(
          open,
          sides.map((side) => (typeof side === 'number' ? side : -1)),
        ),
      );
    else if (open && a.opType === 'Expand') {
      const [batch, ...rest] = sides;
      if (batch !== BATCH || !rest.every((side) => typeof side === 'number')) throw bound(a.name);
      initializers.push(int64s(`${open}_rest`, rest));
      if (!nodes.includes(images)) nodes.push(images);
      nodes.push(operator('Concat', [images.output[0]!, `${open}_rest`], open, { axis: 0 }));
    } else if (open) throw bound(a.name);
    nodes.push(open ? { ...a, input: a.input.with(1, open) } : a);
  }
  return { name: one.name, nodes, initializers, inputs, outputs };
}

/** A known side, `batch`, or a multiple of it. */
type Side = number | string;

/** Recognises a side that is 1009·k in one graph and 2003·k in the other. */
function openSide(a: number, b: number): Side | undefined {
  if (a === b) return a;
  const times = a / BATCHES[0];
  if (!Number.isInteger(times) || b !== times * BATCHES[1]) return undefined;
  return times === 1 ? BATCH : `${times}*${BATCH}`;
}

function openSides(name: string, a: readonly number[], b: readonly number[]): Side[] {
  return a.map((side, axis) => {
    const open = openSide(side, b[axis]!);
    if (open === undefined) throw bound(name);
    return open;
  });
}

function openValue([a, b]: readonly [OnnxValue, OnnxValue]): OnnxValue {
  return { ...a, shape: openSides(a.name, a.shape as number[], b.shape as number[]) };
}

/** The sides in a constant that differs between the graphs. */
function openShape(a: OnnxTensor, b: OnnxTensor): Side[] {
  if (a.name !== b.name || a.dataType !== elementTypes.i64 || a.rawData.length !== b.rawData.length)
    throw bound(a.name);
  return openSides(a.name, readInt64s(a), readInt64s(b));
}

const bound = (name: string) => new GraphError(`a model's batch must be dynamic, but ${name} depends on it`);

function zip<T>(a: readonly T[], b: readonly T[], program: string): [T, T][] {
  if (a.length !== b.length) throw bound(`the number of operators of "${program}"`);
  return a.map((item, i) => [item, b[i]!]);
}

function sameTensor(a: OnnxTensor, b: OnnxTensor): boolean {
  const described = ({ name, dims, dataType }: OnnxTensor) => JSON.stringify([name, dims, dataType]);
  return described(a) === described(b) && Buffer.compare(a.rawData, b.rawData) === 0;
}

function operator(
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Record<string, number>,
): OnnxNode {
  const attribute = Object.entries(attributes).map(([name, value]) => writeAttribute(name, value));
  return { opType, domain: '', name: `${opType}_${output}`, input, output: [output], attribute };
}

function int64s(name: string, values: readonly number[]): OnnxTensor {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: [values.length], dataType: elementTypes.i64, rawData };
}

function readInt64s({ rawData }: OnnxTensor): number[] {
  return Array.from(new BigInt64Array(rawData.slice().buffer), Number);
}
