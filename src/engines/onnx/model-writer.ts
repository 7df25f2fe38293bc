import type { DType, Shape, TensorData } from '../../graph/tensor.ts';
import { encodeModel, type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValue } from './proto.ts';

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

// TensorProto.DataType
export const elementTypes = { f32: 1, u8: 2, i32: 6, i64: 7, bool: 9 } as const;
// AttributeProto.AttributeType
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** The type of an input or an output; a name is a side that is known only at run time. */
export interface PortType {
  readonly shape: readonly (number | string)[];
  readonly dtype: DType;
}

const OPSET = 21;
const MICROSOFT = 'com.microsoft';

/** Collects the nodes of an ONNX graph. Its methods return the names of the values. */
export class ModelWriter {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #int64s = new Map<string, string>();
  #count = 0;

  /** Adds a node with one output. @param domain `com.microsoft` for onnxruntime's own operators */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    domain = '',
  ): string {
    return this.nodeWithOutputs(opType, inputs, 1, attributes, domain)[0]!;
  }

  nodeWithOutputs(
    opType: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Record<string, AttributeValue> = {},
    domain = '',
  ): string[] {
    const names = Array.from({ length: outputs }, () => this.#fresh());
    const attribute = Object.entries(attributes).map(([name, value]) => writeAttribute(name, value));
    this.#nodes.push({
      input: inputs,
      output: names,
      name: `${opType}_${names[0]}`,
      opType,
      attribute,
      domain,
    });
    return names;
  }

  /** Adds an operator of onnxruntime's domain `com.microsoft`. */
  microsoft(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
  ): string {
    return this.node(opType, inputs, attributes, MICROSOFT);
  }

  input(name: string, type: PortType): string {
    this.#inputs.push(valueInfo(name, type));
    return name;
  }

  /** Names an output of the graph. */
  output(name: string, type: PortType, value: string): void {
    this.#nodes.push({
      input: [value],
      output: [name],
      name: `output_${name}`,
      opType: 'Identity',
      attribute: [],
      domain: '',
    });
    this.#outputs.push(valueInfo(name, type));
  }

  constant(data: TensorData, shape: Shape, dtype: DType, name = this.#fresh()): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push({ dims: [...shape], dataType: elementTypes[dtype], name, rawData });
    return name;
  }

  /** An int64 vector, as ONNX takes shapes, axes and pads. Equal vectors share one constant. */
  int64(values: readonly number[]): string {
    const key = values.join();
    let name = this.#int64s.get(key);
    if (!name) {
      name = this.#fresh();
      const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
      this.#initializers.push({ dims: [values.length], dataType: elementTypes.i64, name, rawData });
      this.#int64s.set(key, name);
    }
    return name;
  }

  cast(value: string, type: keyof typeof elementTypes): string {
    return this.node('Cast', [value], { to: elementTypes[type] });
  }

  /** The graph written so far. */
  graph(name: string): OnnxGraph {
    const [nodes, initializers, inputs, outputs] = [
      this.#nodes,
      this.#initializers,
      this.#inputs,
      this.#outputs,
    ];
    return { name, nodes, initializers, inputs, outputs };
  }

  finish(name: string): Uint8Array {
    return encodeModel(this.graph(name), {
      irVersion: 10,
      opsets: [
        { domain: '', version: OPSET },
        { domain: MICROSOFT, version: 1 },
      ],
    });
  }

  #fresh(): string {
    return `t${this.#count++}`;
  }
}

export function writeAttribute(name: string, value: AttributeValue): object {
  if (typeof value === 'number') return { name, i: value, type: attributeTypes.int };
  if (typeof value === 'string')
    return { name, s: new TextEncoder().encode(value), type: attributeTypes.string };
  if ('float' in value) return { name, f: value.float, type: attributeTypes.float };
  return { name, ints: [...value], type: attributeTypes.ints };
}

function valueInfo(name: string, { shape, dtype }: PortType): OnnxValue {
  return { name, elemType: elementTypes[dtype], shape };
}
