import { z } from 'zod';
import type { Size } from '../../image/size.ts';
import { type EvaluationView, type FilterName, filters } from '../../image/view.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { FoundSettings } from './found-settings.ts';
import { parse } from './json.ts';

const side = z.int().min(1);
const edge = side.nullish();
const flag = z.boolean().nullish();
const statistics = z
  .union([z.number().transform((value) => [value]), z.array(z.number()).min(1)], {
    error: 'must be a number, or one for each channel',
  })
  .nullish();

interface Edges {
  readonly height?: number | null | undefined;
  readonly width?: number | null | undefined;
  readonly shortest_edge?: number | null | undefined;
  readonly longest_edge?: number | null | undefined;
  readonly max_height?: number | null | undefined;
  readonly max_width?: number | null | undefined;
}

/** A number, [height, width], or named edges. */
const size = z
  .union(
    [
      side,
      z.tuple([side, side]).transform(([height, width]): Edges => ({ height, width })),
      z.strictObject({
        height: edge,
        width: edge,
        shortest_edge: edge,
        longest_edge: edge,
        max_height: edge,
        max_width: edge,
      }) as z.ZodType<Edges>,
    ],
    {
      error:
        'must be a whole number, [height, width], or an object of height and width, shortest_edge, longest_edge, or max_height and max_width',
    },
  )
  .nullish();

const preprocessor = z
  .object({
    image_processor_type: z.string().nullish(),
    feature_extractor_type: z.string().nullish(),
    do_resize: flag,
    size,
    resample: z.union([z.int().min(0).max(5), z.string()]).nullish(),
    do_center_crop: flag,
    crop_size: size,
    do_rescale: flag,
    rescale_factor: z.number().positive().nullish(),
    do_normalize: flag,
    image_mean: statistics,
    image_std: statistics,
  })
  .loose();

type Preprocessor = z.output<typeof preprocessor>;

/** Defaults of an image processor. */
interface Defaults {
  readonly size: NonNullable<Preprocessor['size']>;
  /** True if a size of one number means a square, rather than the shorter edge. */
  readonly square: boolean;
  readonly crop?: Size;
  readonly filter: FilterName;
  readonly mean: number[];
  readonly std: number[];
}

const half = { mean: [0.5], std: [0.5] };
const clip = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const stretched = (side: number) => ({ size: { height: side, width: side }, square: true });
const cut = { size: { shortest_edge: 224 }, square: false, crop: [224, 224] as Size };

/**
 * Supported image processors of `transformers`, by the beginnings of their names. They differ in their defaults only.
 */
const processors: Readonly<Record<string, Defaults>> = {
  ViT: { ...stretched(224), filter: 'bilinear', ...half },
  Beit: { ...stretched(256), crop: [224, 224], filter: 'bicubic', ...half },
  DeiT: { ...stretched(256), crop: [224, 224], filter: 'bicubic', ...half },
  Siglip: { ...stretched(224), filter: 'bicubic', ...half },
  Bit: { ...cut, filter: 'bicubic', ...clip },
  CLIP: { ...cut, filter: 'bicubic', ...clip },
};

/**
 * Supported steps, and `do_convert_rgb`: images are always converted to colour, or to grey for models of one channel; `do_reduce_labels`
 * is of masks.
 */
const STEPS = [
  ...['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize'],
  ...['do_convert_rgb', 'do_reduce_labels'],
];

/** Settings of other image processors that change their views. */
const OTHER_STEPS = ['crop_pct', 'rescale_offset', 'pad_size', 'size_divisor', 'include_top'];

/**
 * Reads Hugging Face's `preprocessor_config.json`. Throws FileFormatError for an unsupported image processor or step.
 */
export function preprocessing(path: string, json: object): FoundSettings {
  const settings = parse(path, preprocessor, json);
  const defaults = defaultsOf(path, settings);
  const other = Object.entries(settings).find(
    ([step, value]) =>
      (/^do_/.test(step) && value && !STEPS.includes(step)) || (OTHER_STEPS.includes(step) && value),
  );
  if (other)
    throw new FileFormatError(
      path,
      `images may only be resized, cropped, rescaled and normalised; remove ${other[0]} from the file to open the model without it`,
      other[1],
    );
  // Converts pixel · factor of a byte, then (· − mean) / deviation, to the same for pixels in [0, 1].
  const factor = settings.do_rescale === false ? 1 : (settings.rescale_factor ?? 1 / 255);
  const normalised = settings.do_normalize !== false;
  const mean = normalised ? (settings.image_mean ?? defaults.mean) : [0];
  const std = normalised ? (settings.image_std ?? defaults.std) : [1];
  const usual = Math.abs(factor * 255 - 1) < 1e-9;
  const scaled = (values: number[]) => (usual ? values : values.map((value) => value / (255 * factor)));
  return {
    from: [path],
    mean: scaled(mean),
    std: scaled(std),
    view: (image) => viewOf(path, settings, defaults, image),
  };
}

function defaultsOf(path: string, settings: Preprocessor): Defaults {
  const type = settings.image_processor_type ?? settings.feature_extractor_type ?? 'ViTImageProcessor';
  const name = type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '');
  if (Object.hasOwn(processors, name)) return processors[name]!;
  throw new FileFormatError(
    path,
    `the image processor must be one of ${Object.keys(processors).join(', ')}; delete the file to open the model with its usual views`,
    type,
  );
}

function viewOf(path: string, settings: Preprocessor, defaults: Defaults, image: Size): EvaluationView {
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  const crops = settings.do_center_crop ?? defaults.crop !== undefined;
  const shared = {
    filter: filterOf(path, settings, defaults),
    border: [0],
    rounding: 'transformers',
  } as const;
  const resize = settings.do_resize === false ? undefined : resizeOf(path, settings, defaults);
  const crop = crops ? cropOf(path, settings, defaults) : undefined;
  const end = crop ?? (resize?.fit === 'stretch' ? resize.resized : undefined);
  if (!end)
    throw fail(
      'views must all have the size of the model: size must have height and width, or do_center_crop be true',
      settings.do_resize === false ? 'do_resize: false' : settings.size,
    );
  if (end[0] !== image[0] || end[1] !== image[1])
    throw fail(`views must have the size of the model's images, ${image.join('×')}`, end.join('×'));
  return { ...(resize ?? { fit: 'keep', resized: image }), ...shared };
}

function resizeOf(
  path: string,
  settings: Preprocessor,
  defaults: Defaults,
): Pick<EvaluationView, 'fit' | 'resized'> {
  const size = settings.size ?? defaults.size;
  if (typeof size === 'number') return { fit: defaults.square ? 'stretch' : 'cover', resized: [size, size] };
  const { height, width, shortest_edge: short, longest_edge: long, max_height: high, max_width: wide } = size;
  if (short && !long) return { fit: 'cover', resized: [short, short] };
  if (high && wide) return { fit: 'contain', resized: [high, wide] };
  if (height && width) return { fit: 'stretch', resized: [height, width] };
  if (long && !short) return { fit: 'contain', resized: [long, long] };
  throw new FileFormatError(
    path,
    'size must be height and width, shortest_edge or longest_edge alone, or max_height and max_width',
    size,
  );
}

function cropOf(path: string, { crop_size: settings }: Preprocessor, defaults: Defaults): Size {
  if (settings == null) return defaults.crop ?? [224, 224];
  if (typeof settings === 'number') return [settings, settings];
  if (settings.height && settings.width) return [settings.height, settings.width];
  throw new FileFormatError(path, 'crop_size must have height and width', settings);
}

function filterOf(path: string, { resample }: Preprocessor, defaults: Defaults): FilterName {
  if (resample == null) return defaults.filter;
  if (typeof resample === 'number') return filters[resample]!;
  const name = resample.replace(/^.*\./, '').toLowerCase();
  const known = filters.find((filter) => filter === name);
  if (known) return known;
  throw new FileFormatError(path, `resample must be 0 to 5 or one of ${filters.join(', ')}`, resample);
}
