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
import type { Library, Pointer } from './library.ts';

const eltwiseKinds = {
  relu: 0x1f,
  abs: 0x5f,
  sqrt: 0x6f,
  linear: 0x7f,
  exp: 0xbf,
  log: 0xef,
  pow: 0x20,
  gelu: 0x30,
};
const scaleAndShift = 0x18;
/** Both in one tensor: without it, batch norms have no fast kernel. */
const scaleShift = 0x2;
/** Size in bytes that fits any descriptor of 2.x: the caller allocates its structs. */
const MEMORY = 1024;
const OPERATION = 8192;

/**
 * Descriptors for oneDNN 2.6 and later 2.x: an operation's descriptor is filled in first, then a primitive descriptor
 * is created from it.
 */
export function descriptors2(library: Library, engine: bigint): Descriptors {
  const layout = library.status('memory_desc_init_by_strides', 'void *, int, void *, int, void *');
  const tagged = library.status('memory_desc_init_by_tag', 'void *, int, void *, int, int');
  const primitive = library.maker('primitive_desc_create', 'void *, void *, void *, void *');
  const operation = (name: string, parameters: string) => {
    const fill = library.status(`${name}_desc_init`, `void *, ${parameters}`);
    return (...values: (Pointer | BigInt64Array | number)[]) => {
      const bytes = new Uint8Array(OPERATION);
      fill(bytes, ...values);
      return bytes;
    };
  };
  const matmul = operation('matmul', 'void *, void *, void *, void *');
  const eltwise = operation('eltwise_forward', 'int, int, void *, float, float');
  const eltwiseGrad = operation('eltwise_backward', 'int, void *, void *, float, float');
  const binary = operation('binary', 'int, void *, void *, void *');
  const convolution = operation(
    'dilated_convolution_forward',
    'int, int, void *, void *, void *, void *, void *, void *, void *, void *',
  );
  const imageGrad = operation(
    'dilated_convolution_backward_data',
    'int, void *, void *, void *, void *, void *, void *, void *',
  );
  const softmax = operation('softmax_v2_forward', 'int, int, void *, void *, int');
  const softmaxGrad = operation('softmax_v2_backward', 'int, void *, void *, void *, int');
  const norm = 'layer_normalization';
  const layerNorm = operation(`${norm}_forward`, 'int, void *, void *, float, uint');
  const layerNormGrad = operation(`${norm}_backward`, 'int, void *, void *, void *, float, uint');
  const batchNorm = operation('batch_normalization_forward', 'int, void *, float, uint');
  const batchNormGrad = operation('batch_normalization_backward', 'int, void *, void *, float, uint');
  const reorder = library.maker('reorder_primitive_desc_create', 'void *, void *, void *, void *, void *');
  const append = library.status('post_ops_append_eltwise', 'void *, float, int, float, float');
  const attributes = scaled(library, (list, alpha) => append(list, 1, eltwiseKinds.linear, alpha, 0));
  const make = (described: Uint8Array, attributes: Pointer = null, forward: Pointer = null) =>
    primitive(described, attributes, engine, forward);
  return {
    layout: (shape, strides, dtype) => {
      const bytes = new Uint8Array(MEMORY);
      layout(bytes, shape.length, sides(shape), dataTypes[dtype], sides(strides));
      return bytes;
    },
    anyLayout: (shape, dtype) => {
      const bytes = new Uint8Array(MEMORY);
      tagged(bytes, shape.length, sides(shape), dataTypes[dtype], anyTag);
      return bytes;
    },
    matmul: (a, b, bias, out, alpha) => make(matmul(a, b, bias, out), attributes(alpha)),
    eltwise: (name, x, alpha, beta) => make(eltwise(forwardTraining, eltwiseKinds[name], x, alpha, beta)),
    eltwiseGrad: (name, x, dy, forward) => make(eltwiseGrad(eltwiseKinds[name], dy, x, 0, 0), null, forward),
    binary: (name, a, b, out) => make(binary(binaryKinds[name], a, b, out)),
    copy: (x, out) => reorder(x, engine, out, engine, null),
    convolution: (x, filters, out, window) =>
      make(convolution(forwardTraining, convolutionDirect, x, filters, null, out, ...windowSides(window))),
    imageGrad: (filters, dy, out, window, forward) =>
      make(imageGrad(convolutionDirect, out, filters, dy, ...windowSides(window)), null, forward),
    softmax: (x, out) => make(softmax(forwardTraining, softmaxAccurate, x, out, 1)),
    logSoftmax: (x, out) => make(softmax(forwardTraining, softmaxLog, x, out, 1)),
    softmaxGrad: (y, dy, out, forward) => make(softmaxGrad(softmaxAccurate, out, dy, y, 1), null, forward),
    layerNorm: (x, statistics, epsilon) =>
      make(layerNorm(forwardTraining, x, statistics, epsilon, scaleAndShift)),
    batchNorm: (x, epsilon) => make(batchNorm(forwardTraining, x, epsilon, scaleShift)),
    batchNormGrad: (x, dy, epsilon, forward) =>
      make(batchNormGrad(backward, dy, x, epsilon, scaleShift), null, forward),
    scales: (weights, diffWeights) => ({ weights, ...(diffWeights && { diffWeights }) }),
    layerNormGrad: (x, dy, statistics, epsilon, forward) =>
      make(layerNormGrad(backward, dy, x, statistics, epsilon, scaleAndShift), null, forward),
  };
}
