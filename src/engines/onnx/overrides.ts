import type { Overrides } from './rule.ts';

/** Composites that onnxruntime computes in one operator. */
export const overrides: Overrides = {
  linear: (writer, _, inputs) => writer.node('Gemm', inputs, { transB: 1 }),
  softmax: (writer, _, [x]) => writer.node('Softmax', [x], { axis: -1 }),
  logSoftmax: (writer, _, [x]) => writer.node('LogSoftmax', [x], { axis: -1 }),
  relu: (writer, _, [x]) => writer.node('Relu', [x]),
  gelu: (writer, _, [x]) => writer.microsoft('Gelu', [x]),
  layerNorm: (writer, { attributes: { epsilon } }, inputs) =>
    writer.nodeWithOutputs('LayerNormalization', inputs, 3, { axis: -1, epsilon: { float: epsilon } }),
};
