import {
  anyTag,
  backward,
  binaryKinds,
  convolutionDirect,
  type Descriptors,
  dataTypes,
  forwardTraining,
  scaled,
  sides,
  softmaxAccurate,
  softmaxLog,
  windowSides,
} from './descriptors.ts';
import type { Library } from './library.ts';
import { rowOf } from './view.ts';

const eltwiseKinds = {
  relu: 0x20,
  abs: 0x24,
  sqrt: 0x25,
  linear: 0x26,
  exp: 0x2a,
  log: 0x2d,
  pow: 0x30,
  gelu: 0x31,
};
const scaleAndShift = 6;

/** Descriptors for oneDNN 3.x: one call creates a primitive descriptor. */
export function descriptors3(library: Library, engine: bigint): Descriptors {
  const layout = library.maker('memory_desc_create_with_strides', 'int, void *, int, void *');
  const tagged = library.maker('memory_desc_create_with_tag', 'int, void *, int, int');
  const primitive = (name: string, parameters: string) =>
    library.maker(`${name}_primitive_desc_create`, `void *, ${parameters}`);
  const matmul = primitive('matmul', 'void *, void *, void *, void *, void *');
  const eltwise = primitive('eltwise_forward', 'int, int, void *, void *, float, float, void *');
  const eltwiseGrad = primitive(
    'eltwise_backward',
    'int, void *, void *, void *, float, float, void *, void *',
  );
  const binary = primitive('binary', 'int, void *, void *, void *, void *');
  const convolution = primitive(
    'convolution_forward',
    'int, int, void *, void *, void *, void *, void *, void *, void *, void *, void *',
  );
  const imageGrad = primitive(
    'convolution_backward_data',
    'int, void *, void *, void *, void *, void *, void *, void *, void *, void *',
  );
  const softmax = primitive('softmax_forward', 'int, int, void *, void *, int, void *');
  const softmaxGrad = primitive('softmax_backward', 'int, void *, void *, void *, int, void *, void *');
  const norm = 'layer_normalization';
  const layerNorm = primitive(`${norm}_forward`, 'int, void *, void *, void *, float, uint, void *');
  const layerNormGrad = primitive(
    `${norm}_backward`,
    'int, void *, void *, void *, void *, float, uint, void *, void *',
  );
  const batchNorm = primitive('batch_normalization_forward', 'int, void *, void *, float, uint, void *');
  const batchNormGrad = primitive(
    'batch_normalization_backward',
    'int, void *, void *, void *, float, uint, void *, void *',
  );
  const reorder = library.maker('reorder_primitive_desc_create', 'void *, void *, void *, void *, void *');
  const append = library.status('post_ops_append_eltwise', 'void *, int, float, float');
  const attributes = scaled(library, (list, alpha) => append(list, eltwiseKinds.linear, alpha, 0));
  return {
    layout: (shape, strides, dtype) => layout(shape.length, sides(shape), dataTypes[dtype], sides(strides)),
    anyLayout: (shape, dtype) => tagged(shape.length, sides(shape), dataTypes[dtype], anyTag),
    matmul: (a, b, bias, out, alpha) => matmul(engine, a, b, bias, out, attributes(alpha)),
    eltwise: (name, x, alpha, beta) =>
      eltwise(engine, forwardTraining, eltwiseKinds[name], x, x, alpha, beta, null),
    eltwiseGrad: (name, x, dy, forward) =>
      eltwiseGrad(engine, eltwiseKinds[name], dy, dy, x, 0, 0, forward, null),
    binary: (name, a, b, out) => binary(engine, binaryKinds[name], a, b, out, null),
    copy: (x, out) => reorder(x, engine, out, engine, null),
    convolution: (x, filters, out, window) => {
      const kind = [engine, forwardTraining, convolutionDirect] as const;
      return convolution(...kind, x, filters, null, out, ...windowSides(window), null);
    },
    imageGrad: (filters, dy, out, window, forward) =>
      imageGrad(engine, convolutionDirect, out, filters, dy, ...windowSides(window), forward, null),
    softmax: (x, out) => softmax(engine, forwardTraining, softmaxAccurate, x, out, 1, null),
    logSoftmax: (x, out) => softmax(engine, forwardTraining, softmaxLog, x, out, 1, null),
    softmaxGrad: (y, dy, out, forward) => softmaxGrad(engine, softmaxAccurate, out, dy, y, 1, forward, null),
    layerNorm: (x, statistics, epsilon) =>
      layerNorm(engine, forwardTraining, x, x, statistics, epsilon, scaleAndShift, null),
    batchNorm: (x, epsilon) => batchNorm(engine, forwardTraining, x, x, epsilon, scaleAndShift, null),
    batchNormGrad: (x, dy, epsilon, forward) =>
      batchNormGrad(engine, backward, dy, dy, x, epsilon, scaleAndShift, forward, null),
    // Batch norms compute gradients without the shift, and refuse it then.
    scales: (values, gradient) => ({
      scale: rowOf(values, 0),
      ...(gradient
        ? { diffScale: rowOf(gradient, 0), diffShift: rowOf(gradient, 1) }
        : { shift: rowOf(values, 1) }),
    }),
    layerNormGrad: (x, dy, statistics, epsilon, forward) =>
      layerNormGrad(engine, backward, dy, dy, x, statistics, epsilon, scaleAndShift, forward, null),
  };
}
