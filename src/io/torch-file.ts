import { type FileHandle, open } from 'node:fs/promises';
import { plural } from '../text/plural.ts';
import { DTYPES, elementCount, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readPickle } from './pickle.ts';
import { PickledObject } from './pickle-values.ts';
import { readAt } from './read-at.ts';
import { inRowMajorOrder } from './strided.ts';
import type { Setting, TensorFile } from './tensor-file-types.ts';
import { storageBytes, TorchTensor, torchVocabulary } from './torch-values.ts';
import { type Place, preferred } from './wrappers.ts';
import { type ZipEntry, zipEntries } from './zip-entries.ts';

/** Size limit of a pickle. It only describes tensors; their values are in other entries. */
const MAX_PICKLE_BYTES = 16_000_000;
/** Nesting limit of the dict of weights. */
const MAX_DEPTH = 4;

/** Key of the options of training scripts. */
const OPTIONS = 'args';

/** Opens a ZIP archive of `torch.save` (PyTorch 1.6 and later). See `openTensorFile`. */
export async function openTorchFile(handle: FileHandle, path: string): Promise<TensorFile> {
  const { size } = await handle.stat();
  const entries = await zipEntries(handle, size, path);
  const names = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (names.length !== 1)
    throw new FileFormatError(
      path,
      "a PyTorch file holds one 'data.pkl' in its folder; unpack any other archive and give the file of weights in it",
      names.length > 0 ? names : [...entries.keys()],
    );
  const folder = names[0]!.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`))
    throw new FileFormatError(
      path,
      'a PyTorch file must hold weights without code; save them alone, torch.save(torch.jit.load(FILE).state_dict(), OTHER)',
      'a program of TorchScript',
    );
  const packed = [...entries].find(([, entry]) => entry.packed)?.[0];
  if (packed !== undefined)
    throw new FileFormatError(path, `entry ${packed} of the archive must be stored as it is`, 'packed');
  const entryBytes = async (name: string, most: number) => {
    const { start, bytes } = entries.get(name)!;
    if (bytes > most) throw new FileFormatError(path, `${name} must have at most ${most} bytes`, bytes);
    const content = new Uint8Array(bytes);
    await readAt(handle, content, start, path);
    return content;
  };
  if (entries.has(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await entryBytes(`${folder}byteorder`, 64));
    if (order !== 'little')
      throw new FileFormatError(path, "a PyTorch file's byte order must be little", order);
  }
  const root = readPickle(await entryBytes(names[0]!, MAX_PICKLE_BYTES), torchVocabulary, path);
  const { weights, ...beside } = parts(root, path);
  const storage = (name: string, { storage }: TorchTensor): ZipEntry => {
    const entry = entries.get(`${folder}data/${storage.key}`);
    if (entry?.bytes === storageBytes(storage)) return entry;
    throw new FileFormatError(
      path,
      `the storage of tensor ${name} must have ${plural(storageBytes(storage), 'byte')}`,
      entry?.bytes ?? 'none',
    );
  };
  let total = 0;
  for (const [name, tensor] of weights) {
    storage(name, tensor);
    total += elementCount(tensor.shape) * DTYPES[tensor.storage.dtype].bytes;
  }
  if (total > 4 * size)
    throw new FileFormatError(
      path,
      `tensors that share storages must hold ${plural(4 * size, 'byte')} at most`,
      total,
    );
  return {
    path,
    format: 'PyTorch',
    tensors: new Map(
      [...weights].map(([name, tensor]) => [name, { dtype: tensor.storage.dtype, shape: tensor.shape }]),
    ),
    metadata: {},
    ...beside,
    async read(wanted) {
      const reopened = await open(path, 'r');
      try {
        const tensors = new Map<string, NamedTensor>();
        for (const name of wanted) {
          const tensor = weights.get(name);
          if (!tensor)
            throw new FileFormatError(path, `it must hold tensor ${JSON.stringify(name)}`, [
              ...weights.keys(),
            ]);
          tensors.set(name, await readTensor(reopened, path, tensor, storage(name, tensor).start));
        }
        return tensors;
      } finally {
        await reopened.close();
      }
    },
  };
}

/** Reads the span of a view, and puts its elements in order. */
async function readTensor(
  handle: FileHandle,
  path: string,
  { storage: { dtype }, offset, shape, strides, span }: TorchTensor,
  start: number,
): Promise<NamedTensor> {
  const { array, bytes } = DTYPES[dtype];
  const data = new array(span);
  await readAt(handle, data, start + offset * bytes, path);
  return { dtype, shape, data: inRowMajorOrder(data, shape, strides) };
}

/** A dict of named tensors in the saved object, and its path of keys. */
interface Weights {
  readonly place: Place;
  readonly tensors: Map<string, TorchTensor>;
}

/**
 * The named tensors of the saved object. Candidates are all dicts with at least half of the tensors of the largest
 * one; `preferred` chooses among them.
 */
function parts(
  root: unknown,
  path: string,
): Pick<TensorFile, 'settings' | 'others' | 'notes'> & { weights: Map<string, TorchTensor> } {
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  if (!(root instanceof Map)) throw fail('a PyTorch file must hold a dict of tensors', typeof root);
  const all = weightsIn(root);
  const most = all.reduce((count, { tensors }) => Math.max(count, tensors.size), 0);
  const candidates = all.filter(({ tensors }) => 2 * tensors.size >= most);
  const chosen = preferred(candidates, ({ place }) => place);
  if (!chosen)
    throw fail('a checkpoint must hold its weights, named tensors, in a dict', [...root.keys()].map(keyName));
  const { place, tensors: weights } = chosen;
  const rest = candidates.filter((each) => each !== chosen).map((each) => each.place.join('.'));
  return {
    weights,
    settings: { ...(place.length === 0 && settingsOf(root)), ...settingsOf(root.get(OPTIONS)) },
    others: othersOf(root, place, weights),
    notes:
      rest.length === 0
        ? []
        : [`using the weights under ${place.join('.') || 'no key'}; not used: ${rest.join(', ')}`],
  };
}

/** All dicts of named tensors, outer ones first. Visits each dict once. */
function weightsIn(root: Map<unknown, unknown>): Weights[] {
  const found: Weights[] = [];
  const seen = new Set<unknown>([root]);
  let level: { dict: Map<unknown, unknown>; place: Place }[] = [{ dict: root, place: [] }];
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below: typeof level = [];
    for (const { dict, place } of level) {
      const tensors = tensorsOf(dict);
      if (tensors.size > 0) found.push({ place, tensors });
      for (const [key, value] of dict) {
        if (typeof key !== 'string' || !(value instanceof Map) || seen.has(value)) continue;
        seen.add(value);
        below.push({ dict: value, place: [...place, key] });
      }
    }
    level = below;
  }
  return found;
}

/** Keys outside of the weights, on all levels of their path. */
function othersOf(
  root: Map<unknown, unknown>,
  place: Place,
  weights: ReadonlyMap<string, unknown>,
): string[] {
  const others: string[] = [];
  let dict = root;
  for (const [depth, key] of place.entries()) {
    const above = place.slice(0, depth);
    for (const other of dict.keys())
      if (other !== key && !(depth === 0 && other === OPTIONS))
        others.push([...above, keyName(other)].join('.'));
    dict = dict.get(key) as Map<unknown, unknown>;
  }
  const inner = [...dict.keys()].map(keyName).filter((key) => !weights.has(key));
  return [...others, ...inner.map((key) => [...place, key].join('.'))];
}

/** A key in words. Tuples, which may nest without end, are not spelled out. */
function keyName(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? String(key) : `(${typeof key})`;
}

function tensorsOf(value: unknown): Map<string, TorchTensor> {
  const named = value instanceof Map ? [...value] : [];
  return new Map(
    named.filter(
      (pair): pair is [string, TorchTensor] => typeof pair[0] === 'string' && pair[1] instanceof TorchTensor,
    ),
  );
}

/** Plain values of a dict or of a script's options. */
function settingsOf(value: unknown): Record<string, Setting> {
  const fields = value instanceof PickledObject ? value.fields : value instanceof Map ? value : new Map();
  const plain = [...fields].filter(
    ([key, setting]) => typeof key === 'string' && ['string', 'number', 'boolean'].includes(typeof setting),
  );
  return Object.fromEntries(plain) as Record<string, Setting>;
}
