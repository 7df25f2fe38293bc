import type { Size } from '../../image/size.ts';
import { FileFormatError } from '../../io/file-format-error.ts';
import type { ClassifierConfig } from '../../models/classifier.ts';
import type { AutoencoderConfig, EncoderConfig } from '../../models/config.ts';
import type { SegmenterConfig } from '../../models/segmenter.ts';
import { modelSizes } from '../../models/sizes.ts';
import { plural } from '../../text/plural.ts';
import type { FoundSettings } from './found-settings.ts';

/** Shapes of a file's weights by this project's names. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Everything known of a file before its configuration is. */
export interface Evidence {
  readonly path: string;
  readonly source: string;
  readonly shapes: Shapes;
  readonly found: FoundSettings;
  /** The caller's number of attention heads, used if the file gives none. */
  readonly heads?: number | undefined;
  /** The same, used only if the size is not a usual one either. */
  readonly unusualHeads?: number | undefined;
  readonly decoderHeads?: number | undefined;
  /** The caller's height and width. */
  readonly image?: Size | undefined;
  /** The same, used only if the file allows several sizes. */
  readonly usualImage?: Size | undefined;
  /** Collects assumptions, for the user. */
  readonly notes: string[];
}

/** MAE's decoders all have 16 heads, whatever their width (facebookresearch/mae, `models_mae.py`). */
const MAE_DECODER_HEADS = 16;
/** Assumed if positions are not stored, because nothing else shows the image's size. */
const USUAL_IMAGE: Size = [224, 224];
const RELATIVE = 'blocks.0.attn.relative_position_bias_table';
/** BEiT's, in `transformers`. */
const USUAL_LAYER_SCALE = 0.1;
/** The blocks of `out_indices` [3, 5, 7, 11]. */
const USUAL_TAPS: readonly number[] = [1, 3, 5, 9];

/**
 * An encoder's sizes, except for the kind of positions, from the shapes of its weights and the settings found. Throws
 * FileFormatError if the shapes are not those of a Vision Transformer, or if the heads stay unknown.
 */
export function encoderOf(evidence: Evidence): Omit<EncoderConfig, 'positions'> {
  const { path, shapes, found, source } = evidence;
  const projection = shapeOf(evidence, 'patch_embed.proj.weight', 4);
  const [width, channels, patch, across] = projection as [number, number, number, number];
  if (patch !== across) throw new FileFormatError(path, 'patches must be square', `${patch}×${across}`);
  const depth = countBlocks(evidence, 'blocks') - (found.unreadLayers ?? 0);
  const [hidden] = shapeOf(evidence, 'blocks.0.mlp.fc1.weight', 2) as [number];
  const config = {
    patch,
    channels,
    width,
    depth,
    mlpRatio: hidden / width,
    classToken: shapes.has('cls_token'),
  };
  const image = imageOf(evidence, config);
  const epsilon = found.epsilon ?? (source === 'huggingface' ? 1e-12 : 1e-6);
  return {
    ...config,
    image,
    heads: found.heads ?? evidence.heads ?? usualHeads(evidence, width, depth),
    epsilon,
    ...(shapes.has(RELATIVE) && { relativePositions: true }),
    ...(shapes.has('blocks.0.gamma_1') && { layerScale: found.layerScale || USUAL_LAYER_SCALE }),
  };
}

/** The segmenter of the file's head, which is BEiT's; undefined if there is none. */
export function segmenterOf(evidence: Evidence, encoder: EncoderConfig): SegmenterConfig | undefined {
  const { shapes, found, notes } = evidence;
  if (!shapes.has('head.classes.weight')) return undefined;
  const [classes, channels] = shapeOf(evidence, 'head.classes.weight', 4) as [number, number];
  const auxiliary = shapes.get('head.auxiliary.conv.weight')?.[0];
  if (!found.taps)
    notes.push(`the file does not say which blocks its head takes: assuming ${USUAL_TAPS}, counted from 0`);
  const { taps = USUAL_TAPS, pools = [1, 2, 3, 6] } = found;
  const head = { kind: 'upernet', channels, taps, scales: [4, 2, 1, 0.5], pools } as const;
  return { ...encoder, classes, head: { ...head, ...(auxiliary !== undefined && { auxiliary }) } };
}

/** Why the file's decoder cannot form an autoencoder with this encoder; undefined if it can or there is none. */
export function decoderFault({ shapes }: Evidence, { patch, channels }: EncoderConfig): string | undefined {
  const predicted = shapes.get('decoder_pred.weight')?.[0];
  const theirs = predicted === undefined ? channels : predicted / patch ** 2;
  if (theirs === channels) return undefined;
  return `a decoder that predicts ${plural(theirs, 'channel')}, for an encoder of ${channels}`;
}

/** The autoencoder of the file's decoder; undefined if there is none. */
export function autoencoderOf(evidence: Evidence, encoder: EncoderConfig): AutoencoderConfig | undefined {
  const { path, shapes, found, source, notes } = evidence;
  if (!shapes.has('decoder_embed.weight')) return undefined;
  const [width] = shapeOf(evidence, 'decoder_embed.weight', 2) as [number];
  const depth = countBlocks(evidence, 'decoder_blocks');
  const [hidden] = shapeOf(evidence, 'decoder_blocks.0.mlp.fc1.weight', 2) as [number];
  if (hidden / width !== encoder.mlpRatio)
    throw new FileFormatError(
      path,
      `the decoder's MLPs must be ${encoder.mlpRatio} times as wide as its blocks, as the encoder's are`,
      hidden / width,
    );
  const heads =
    found.decoderHeads ??
    evidence.decoderHeads ??
    (source === 'paper' ? knownDecoderHeads(path, width, depth) : MAE_DECODER_HEADS);
  if (source !== 'paper' && !found.target)
    notes.push('the file does not say whether targets were normalised: assuming by patch, as in MAE');
  const target = found.target ?? (source === 'paper' ? 'channel' : 'patch');
  return { ...encoder, decoder: { width, depth, heads }, target };
}

/** The classifier of the file's head; undefined if there is none. */
export function classifierOf(evidence: Evidence, encoder: EncoderConfig): ClassifierConfig | undefined {
  const { shapes, found, notes } = evidence;
  if (!shapes.has('head.weight')) return undefined;
  const [classes] = shapeOf(evidence, 'head.weight', 2) as [number];
  const fcNorm = shapes.has('fc_norm.weight');
  const assumed = encoder.classToken && !fcNorm ? 'token' : 'mean';
  if (!found.pooling && assumed === 'token')
    notes.push(
      'the file does not say what the head reads: assuming the class token, as usual without fc_norm',
    );
  return { ...encoder, classes, pooling: found.pooling ?? assumed, fcNorm };
}

/**
 * Shape of a tensor with this number of axes. Throws FileFormatError if the tensor is missing or has another number
 * of axes.
 */
export function shapeOf({ path, shapes }: Evidence, name: string, axes: number): readonly number[] {
  const shape = shapes.get(name);
  if (shape?.length === axes && shape.every((size) => size > 0)) return shape;
  throw new FileFormatError(
    path,
    `a Vision Transformer has a tensor ${name} of ${plural(axes, 'axis', 'axes')}`,
    shape ? `[${shape}]` : 'none',
  );
}

/** Number of blocks, which must be numbered from 0 without a gap. */
function countBlocks({ path, shapes }: Evidence, stack: string): number {
  const block = new RegExp(`^${stack}\\.(\\d+)\\.`);
  const numbers = [...shapes.keys()].flatMap((name) => block.exec(name)?.[1] ?? []);
  const count = new Set(numbers).size;
  const last = numbers.reduce((most, number) => Math.max(most, Number(number)), -1);
  if (count === 0 || last !== count - 1)
    throw new FileFormatError(
      path,
      `${stack} must be numbered from 0 without a gap`,
      `${count}, the last ${last}`,
    );
  return count;
}

/**
 * Height and width from the caller or the model's settings, else from the number of positions. Throws FileFormatError
 * if these contradict each other, and if the positions allow two sizes.
 */
function imageOf(
  { path, source, shapes, found, notes, image, usualImage }: Evidence,
  { patch, classToken }: Pick<EncoderConfig, 'patch' | 'classToken'>,
): Size {
  const rows = shapes.get('pos_embed')?.at(-2);
  const stated = image ?? found.image;
  const likely = found.likelyImages ?? [];
  if (rows === undefined) {
    const known = stated ?? likely[0];
    if (!known) notes.push(`the file has no positions: assuming images of ${USUAL_IMAGE.join('×')}`);
    return known ?? USUAL_IMAGE;
  }
  // A class token has a position too, except in some models of timm.
  const sure = !classToken || found.placedToken !== undefined || source === 'huggingface';
  const placed = classToken && found.placedToken !== false ? rows - 1 : rows;
  const counts = sure ? [placed] : [placed, rows];
  const fits = ([height, width]: Size) => counts.includes((height / patch) * (width / patch));
  const named = (size: Size) => size.join('×');
  if (stated) {
    if (fits(stated)) return stated;
    throw new FileFormatError(
      path,
      `${rows} positions must match images of ${named(stated)} in patches of ${patch}, as ${image ? 'requested' : 'its settings say'}; give another size with ${remedy()}`,
      `${(stated[0] / patch) * (stated[1] / patch)} patches`,
    );
  }
  const fitting = likely.find(fits);
  if (fitting) return fitting;
  const other = likely.length > 0 ? `its settings name images of ${likely.map(named).join(' or ')}; ` : '';
  const square = (count: number): Size | undefined => {
    const side = Math.sqrt(count) * patch;
    return count > 0 && Number.isInteger(side / patch) ? [side, side] : undefined;
  };
  const usual = square(placed);
  if (usual) {
    if (other) notes.push(`${other}the positions match ${named(usual)}, which is used`);
    return usual;
  }
  if (usualImage && fits(usualImage)) return usualImage;
  const unplaced = counts.includes(rows) ? square(rows) : undefined;
  const oblong = nearSquare(placed).map((side) => side * patch) as unknown as Size;
  if (unplaced)
    throw new FileFormatError(
      path,
      `${other}its ${rows} positions fit images of ${named(unplaced)} (the class token has none) or of ${named(oblong)} (the class token has one): choose with --image ${unplaced.join('x')} or ${remedy(oblong)}`,
      'two readings',
    );
  throw new FileFormatError(
    path,
    `${other}its ${placed} positions of patches form no square: give the size of the images, for example ${remedy(oblong)}`,
    `patches of ${patch}`,
  );
}

/** Command line options for the size of the images. */
function remedy(size?: Size): string {
  const [cli, setting] = size ? [size.join('x'), size.join(',')] : ['HEIGHTxWIDTH', 'HEIGHT,WIDTH'];
  return `--image ${cli} (for runs that start from it --set model.image=${setting})`;
}

/** The two factors of a number with the smallest difference, the smaller one first. */
function nearSquare(count: number): readonly [number, number] {
  let side = Math.max(1, Math.floor(Math.sqrt(count)));
  while (count % side !== 0) side--;
  return [side, count / side];
}

/** Number of heads of the usual sizes. The shapes of weights do not show it. */
function usualHeads({ path, notes, unusualHeads }: Evidence, width: number, depth: number): number {
  const size = Object.entries(modelSizes).find(
    ([name, known]) => name !== 'micro' && known.width === width && known.depth === depth,
  );
  if (size) {
    notes.push(
      `the file does not give heads and activation: assuming ${plural(size[1].heads, 'head')}, as usual for this size, and GELU`,
    );
    return size[1].heads;
  }
  if (unusualHeads !== undefined) return unusualHeads;
  throw new FileFormatError(
    path,
    'weights of this size do not show the number of attention heads; set it with --heads',
    `width ${width}, depth ${depth}`,
  );
}

function knownDecoderHeads(path: string, width: number, depth: number): number {
  const size = Object.values(modelSizes).find(
    ({ decoder }) => decoder.width === width && decoder.depth === depth,
  );
  if (size) return size.decoder.heads;
  throw new FileFormatError(
    path,
    "weights of this size do not show the number of the decoder's attention heads; set it with --decoder-heads",
    `width ${width}, depth ${depth}`,
  );
}
