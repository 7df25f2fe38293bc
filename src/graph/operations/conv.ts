import { defineComposite, definePrimitive, type One } from '../signatures.ts';
import { apply, refuse, requireFloat, type Shape, sizeOf, type Tensor } from '../tensor.ts';
import { reshape, reverse, slice, transpose } from './shape.ts';
import { zeros } from './source.ts';

export type Pair = readonly [rows: number, columns: number];

export interface ConvOptions {
  /** Steps of the filters. Default: 1. */
  readonly strides?: Pair;
  /** Zeros before the first and after the last row and column; negative padding crops. Default: 0. */
  readonly padding?: readonly [rows: Pair, columns: Pair];
  /** Distances between the image's pixels; zeros fill the gaps. Default: 1. */
  readonly inputDilation?: Pair;
  /** Distances between the filters' taps. Default: 1. */
  readonly filterDilation?: Pair;
  /** Splits the channels into equal groups, each with its filters. Default: 1. */
  readonly groups?: number;
}

type Attributes = Required<ConvOptions>;
type Sides = readonly [number, number, number, number];

/** One value for rows, one for columns. */
const both = <T>(of: (axis: 0 | 1) => T): [rows: T, columns: T] => [of(0), of(1)];
/** Length of a side with `side` elements at distances of `dilation`. */
const spread = (side: number, dilation: number) => (side - 1) * dilation + 1;

const convOperation = definePrimitive({
  name: 'conv',
  role: 'convolution',
  // No engine multiplies by the zeros between pixels.
  flops: ({ inputs: [, filters], outputs: [y], attributes: { inputDilation } }) =>
    (2 * sizeOf(y.shape) * sizeOf(filters.shape.slice(1))) / sizeOf(inputDilation),
  infer: ([x, filters], attributes) => [
    { shape: convShape(x, filters, attributes as Attributes), dtype: 'f32' },
  ],
  vjp: ({ inputs: [x, filters], attributes }, [dy]) => [
    apply(inputGradOperation, [filters, dy], { ...attributes, image: x.shape }),
    apply(filterGradOperation, [x, dy], { ...attributes, window: filters.shape.slice(2) }),
  ],
});

/** Gradient of a convolution's images. Inputs: filters, dy; attributes: the convolution's, and the shape of the images. */
const inputGradOperation = defineComposite<'convInputGrad', One>({
  name: 'convInputGrad',
  role: 'convolution',
  flops: ({ inputs: [filters, dy] }) => 2 * sizeOf(dy.shape) * sizeOf(filters.shape.slice(1)),
  infer: (inputs, attributes) => {
    requireFloat('convInputGrad', inputs);
    const [filters, dy] = inputs;
    const { image } = attributes as ImageAttributes;
    if (dy.shape[0] !== image[0] || dy.shape[1] !== filters.shape[0])
      refuse('convInputGrad', 'filters [O, C, k, l] and dy [N, O, h, w] must fit', inputs);
    return [{ shape: image, dtype: 'f32' }];
  },
  vjp: null,
  decompose: ({ attributes }, [filters, dy]) => {
    const { image } = attributes as ImageAttributes;
    return [inputGradient(image, filters, dy, attributes as Attributes)];
  },
});

type ImageAttributes = Attributes & { readonly image: Shape };

/** Gradient of a convolution's filters. Inputs: x, dy; attributes: the convolution's, and the sides of the filters. */
const filterGradOperation = defineComposite<'convFilterGrad', One>({
  name: 'convFilterGrad',
  role: 'convolution',
  flops: ({ inputs: [, dy], outputs: [dw] }) => 2 * sizeOf(dy.shape) * sizeOf(dw.shape.slice(1)),
  infer: ([x, dy], attributes) => {
    requireFloat('convFilterGrad', [x, dy]);
    const shape = filterShape(x, dy, attributes as GradAttributes);
    const fits = x.shape.length === 4 && dy.shape.length === 4 && x.shape[0] === dy.shape[0];
    if (!fits) refuse('convFilterGrad', 'x [N, C, H, W] and dy [N, O, h, w] must fit', [x, dy]);
    return [{ shape, dtype: 'f32' }];
  },
  vjp: null,
  decompose: ({ attributes }, [x, dy]) => [
    filterGradient(x, filterShape(x, dy, attributes as GradAttributes), dy, attributes as Attributes),
  ],
});

type GradAttributes = Attributes & { readonly window: Pair };

const filterShape = (x: Tensor, dy: Tensor, { groups, window }: GradAttributes): Shape => [
  dy.shape[1]!,
  x.shape[1]! / groups,
  ...window,
];

/** Shape of the result. Throws GraphError for a convolution that does not fit. */
function convShape(x: Tensor, filters: Tensor, attributes: Attributes): Shape {
  const { strides, padding, inputDilation, filterDilation, groups } = attributes;
  const inputs = [x, filters];
  requireFloat('conv', inputs);
  const counts = [...strides, ...inputDilation, ...filterDilation, groups];
  if (
    counts.some((count) => !Number.isInteger(count) || count < 1) ||
    !padding.flat().every(Number.isInteger)
  )
    refuse(
      'conv',
      'strides, dilations and groups must be whole and positive, padding whole',
      `strides ${strides}; dilations ${inputDilation} and ${filterDilation}; groups ${groups}; padding ${padding}`,
    );
  const fits = x.shape.length === 4 && filters.shape.length === 4 && filters.shape[0]! % groups === 0;
  if (!fits || x.shape[1] !== filters.shape[1]! * groups)
    refuse('conv', `images [N, ${groups}·C, H, W] take filters [${groups}·O, C, k, l]`, inputs);
  if (inputs.some(({ shape }) => sizeOf(shape) === 0))
    refuse('conv', 'images and filters must not be empty', inputs);
  const [height, width] = both((axis) => {
    const side = spread(x.shape[axis + 2]!, inputDilation[axis]) + padding[axis][0] + padding[axis][1];
    return Math.floor((side - spread(filters.shape[axis + 2]!, filterDilation[axis])) / strides[axis]) + 1;
  });
  if (height < 1 || width < 1) refuse('conv', 'filters must fit into the padded images', inputs);
  return [x.shape[0]!, filters.shape[0]!, height, width];
}

/** Gradient of the input: dilates the result's gradient by the strides and filters it with the mirrored filters. */
function inputGradient(shape: Shape, filters: Tensor, dy: Tensor, attributes: Attributes): Tensor {
  const { strides, padding, inputDilation, filterDilation, groups } = attributes;
  const [out, channels, k, l] = filters.shape as Sides;
  const parts = reshape(filters, [groups, out / groups, channels, k, l]);
  const swapped = reshape(transpose(parts, [0, 2, 1, 3, 4]), [groups * channels, out / groups, k, l]);
  const around = both((axis): Pair => {
    const before = spread(filters.shape[axis + 2]!, filterDilation[axis]) - 1 - padding[axis][0];
    const missing =
      spread(shape[axis + 2]!, inputDilation[axis]) - spread(dy.shape[axis + 2]!, strides[axis]);
    return [before, missing + padding[axis][0]];
  });
  return conv(dy, reverse(swapped, [2, 3]), {
    strides: inputDilation,
    padding: around,
    inputDilation: strides,
    filterDilation,
    groups,
  });
}

/** Gradient of the filters: filters the input with the result's gradient, images as channels. */
function filterGradient(x: Tensor, shape: Shape, dy: Tensor, attributes: Attributes): Tensor {
  const { strides, padding, inputDilation, filterDilation, groups } = attributes;
  const [batch, , height, width] = x.shape as Sides;
  const channels = shape[1]!;
  const parts = reshape(x, [batch, groups, channels, height, width]);
  const images = reshape(transpose(parts, [2, 1, 0, 3, 4]), [channels, groups * batch, height, width]);
  const around = both((axis): Pair => {
    const wanted =
      spread(shape[axis + 2]!, filterDilation[axis]) - 1 + spread(dy.shape[axis + 2]!, strides[axis]);
    const [before] = padding[axis];
    return [before, wanted - before - spread(x.shape[axis + 2]!, inputDilation[axis])];
  });
  const gradient = conv(images, transpose(dy, [1, 0, 2, 3]), {
    strides: filterDilation,
    padding: around,
    inputDilation,
    filterDilation: strides,
    groups,
  });
  return transpose(gradient, [1, 0, 2, 3]);
}

/**
 * Correlates images with filters: y[n, o, i, j] = Σ x[n, c, i·stride + u·dilation − padding, …] · filters[o, c, u,
 * v]. Both gradients are convolutions of this kind.
 * @param x [N, groups·C, H, W]; no side is 0
 * @param filters [groups·O, C, k, l]; no side is 0
 * @returns [N, groups·O, ⌊(H' − k') / stride⌋ + 1, …], H' and k' with dilations and padding
 * @throws GraphError if the sides or options do not fit
 */
export function conv(x: Tensor, filters: Tensor, options: ConvOptions = {}): Tensor {
  const attributes: Attributes = {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    inputDilation: [1, 1],
    filterDilation: [1, 1],
    groups: 1,
    ...options,
  };
  const { padding, inputDilation } = attributes;
  const shape = convShape(x, filters, attributes);
  // Cropping removes whole pixels, so the zeros between them may have to be padded again.
  const cuts = both((axis) =>
    padding[axis].map((zeros) => Math.max(0, Math.ceil(-zeros / inputDilation[axis]))),
  );
  const starts = [0, 0, ...cuts.map(([before]) => before!)];
  const ends = x.shape.map((side, axis) => side - (cuts[axis - 2]?.[1] ?? 0));
  if (starts.some((start, axis) => start >= ends[axis]!)) return zeros(shape);
  const rest = both((axis) =>
    padding[axis].map((zeros, end) => zeros + cuts[axis][end]! * inputDilation[axis]),
  );
  return apply(convOperation, [slice(x, starts, ends), filters], { ...attributes, padding: rest });
}
