import type { Shape } from '../../graph/tensor.ts';
import { encodeMessage, type Fields } from '../../protobuf/wire.ts';

// The subset of ONNX's schema that is used here (onnx/onnx.proto, IR version 10).
const dimensionFields: Fields = { dimValue: [1, 'int'], dimParam: [2, 'string'] };
const shapeFields: Fields = { dim: [1, dimensionFields] };
const tensorTypeFields: Fields = { elemType: [1, 'int'], shape: [2, shapeFields] };
const typeFields: Fields = { tensorType: [1, tensorTypeFields] };
const valueFields: Fields = { name: [1, 'string'], type: [2, typeFields] };
const tensorFields: Fields = {
  dims: [1, 'int'],
  dataType: [2, 'int'],
  name: [8, 'string'],
  rawData: [9, 'bytes'],
  externalData: [13, { key: [1, 'string'], value: [2, 'string'] }],
  dataLocation: [14, 'int'],
};
const attributeFields: Fields = {
  name: [1, 'string'],
  f: [2, 'float'],
  i: [3, 'int'],
  s: [4, 'bytes'],
  ints: [8, 'int'],
  type: [20, 'int'],
};
const nodeFields: Fields = {
  input: [1, 'string'],
  output: [2, 'string'],
  name: [3, 'string'],
  opType: [4, 'string'],
  attribute: [5, attributeFields],
  domain: [7, 'string'],
};
const graphFields: Fields = {
  node: [1, nodeFields],
  name: [2, 'string'],
  initializer: [5, tensorFields],
  input: [11, valueFields],
  output: [12, valueFields],
};
const modelFields: Fields = {
  irVersion: [1, 'int'],
  producerName: [2, 'string'],
  graph: [7, graphFields],
  opsetImport: [8, { domain: [1, 'string'], version: [2, 'int'] }],
};

/** The parts of an ONNX model, with the fields of its schema (onnx/onnx.proto). */
export interface OnnxNode {
  readonly opType: string;
  readonly domain: string;
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly object[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly dims: Shape;
  readonly dataType: number;
  readonly rawData: Uint8Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly elemType: number;
  /** Sides; a name is a side that is known only at run time. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface ModelOptions {
  readonly irVersion: number;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  /** External place of a tensor's bytes, unless they are in the model. */
  readonly external?: (tensor: OnnxTensor) => ExternalPlace | undefined;
}

export interface ExternalPlace {
  /** File in the model's folder. */
  readonly location: string;
  readonly offset: number;
}

// TensorProto.DataLocation
const EXTERNAL = 1;

/** Serializes a model. */
export function encodeModel(graph: OnnxGraph, { irVersion, opsets, external }: ModelOptions): Uint8Array {
  const model = {
    irVersion,
    producerName: 'beyond-masking',
    opsetImport: opsets,
    graph: {
      name: graph.name,
      node: graph.nodes,
      initializer: graph.initializers.map((tensor) => writeTensor(tensor, external?.(tensor))),
      input: graph.inputs.map(writeValue),
      output: graph.outputs.map(writeValue),
    },
  };
  return encodeMessage(modelFields, model);
}

function writeTensor({ rawData, ...tensor }: OnnxTensor, place: ExternalPlace | undefined): object {
  if (!place) return { ...tensor, rawData };
  const entries = { location: place.location, offset: `${place.offset}`, length: `${rawData.length}` };
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return { ...tensor, externalData, dataLocation: EXTERNAL };
}

function writeValue({ name, elemType, shape }: OnnxValue): object {
  const dim = shape.map((side) => (typeof side === 'string' ? { dimParam: side } : { dimValue: side }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
