import protobuf from 'protobufjs/light.js';
import type { Shape } from '../../graph/tensor.ts';

/** The part of ONNX's schema that is used here (onnx/onnx.proto, IR version 10). */
const schema = {
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'GraphProto', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSetIdProto', id: 8 },
      },
    },
    OperatorSetIdProto: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    GraphProto: {
      fields: {
        node: { rule: 'repeated', type: 'NodeProto', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      },
    },
    NodeProto: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'AttributeProto', id: 5 },
        domain: { type: 'string', id: 7 },
      },
    },
    AttributeProto: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        ints: { rule: 'repeated', type: 'int64', id: 8, options: { packed: false } },
        type: { type: 'int32', id: 20 },
      },
    },
    TensorProto: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1, options: { packed: false } },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
        externalData: { rule: 'repeated', type: 'StringStringEntryProto', id: 13 },
        dataLocation: { type: 'int32', id: 14 },
      },
    },
    StringStringEntryProto: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    TypeProto: { fields: { tensorType: { type: 'TensorTypeProto', id: 1 } } },
    TensorTypeProto: {
      fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShapeProto', id: 2 } },
    },
    TensorShapeProto: { fields: { dim: { rule: 'repeated', type: 'DimensionProto', id: 1 } } },
    DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
};

const modelType = protobuf.Root.fromJSON(schema).lookupType('ModelProto');

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
  /** Sides; a name stands for one that is known when the model runs. */
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
  /** Where a tensor's bytes lie, if not in the model. */
  readonly external?: (tensor: OnnxTensor) => ExternalPlace | undefined;
}

export interface ExternalPlace {
  /** File beside the model. */
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
  return modelType.encode(modelType.fromObject(model)).finish();
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
