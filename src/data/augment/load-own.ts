import { loadExport } from '../../modules/load-export.ts';
import { type NamedModule, PartError } from '../../modules/module-export.ts';
import { plural } from '../../text/plural.ts';
import { type Augment, type Augmentation, type Augmenter, makeAugmenter } from './augment.ts';

/** Augmentations that this thread has loaded, by module. */
const loaded = new Map<string, Promise<Augmentation>>();

/** The augmentations of a run on this thread, those of the user's own loaded. Rejects with a PartError for a wrong module. */
export async function loadAugmenter(augment: Augment, channels: number): Promise<Augmenter> {
  const own = await Promise.all((augment.own ?? []).map(loadAugmentation));
  return makeAugmenter(augment, channels, own);
}

/** Loads an augmentation of the user's own. Rejects with a PartError where the module gives none. */
export function loadAugmentation(place: NamedModule): Promise<Augmentation> {
  const key = JSON.stringify(place);
  const found = loaded.get(key) ?? load(place);
  loaded.set(key, found);
  return found;
}

async function load(place: NamedModule): Promise<Augmentation> {
  const what = `the own augmentation "${place.name}"`;
  type Make = (options: unknown) => Augmentation | Promise<Augmentation>;
  const make = await loadExport<Make>(place, `${what}, a module,`);
  const change = await make(place.options);
  if (typeof change !== 'function')
    throw new PartError(
      `${what} must be made by its export, (options) => (image, rng) => image, got ${typeof change} from ${place.module}`,
    );
  return (image, rng) => checked(what, image, () => change(image, rng));
}

function checked(
  what: string,
  { width, height, channels }: Size,
  change: () => Size,
): ReturnType<Augmentation> {
  let made: Partial<ReturnType<Augmentation>> | undefined;
  try {
    made = change() as typeof made;
  } catch (error) {
    throw new PartError(`${what} failed: ${error instanceof Error ? error.message : error}`);
  }
  const size = [height, width, channels];
  const got = [made?.height, made?.width, made?.channels];
  if (
    !(made?.data instanceof Uint8Array) ||
    `${got}` !== `${size}` ||
    made.data.length !== height * width * channels
  )
    throw new PartError(
      `${what} must return { width, height, channels, data } of the view's size, ${size.join(' × ')} bytes, got ${
        made?.data ? `${got.join(' × ')} of ${plural(made.data.length, 'value')}` : typeof made
      }`,
    );
  return made as ReturnType<Augmentation>;
}

type Size = Pick<ReturnType<Augmentation>, 'width' | 'height' | 'channels'>;
