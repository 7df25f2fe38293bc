import { type FileHandle, open } from 'node:fs/promises';
import { plural } from '../text/plural.ts';
import { DTYPES, elementCount, type NamedTensor } from './dtypes.ts';
import { FileFormatError } from './file-format-error.ts';
import { readPickle } from './pickle.ts';
import { PickledObject } from './pickle-values.ts';
import { readAt } from './read-at.ts';
import { inRowMajorOrder } from './strided.ts';
import type { Setting, TensorFile } from './tensor-file.ts';
import { storageBytes, TorchTensor, torchVocabulary } from './torch-values.ts';
import { type ZipEntry, zipEntries } from './zip-entries.ts';

/** Most bytes of a pickle: it describes tensors, their values lie elsewhere. */
const MAX_PICKLE_BYTES = 16_000_000;

/** Where the weights are in a checkpoint that holds other things too, the likeliest first. */
const WRAPPERS = ['model', 'state_dict', 'model_state_dict', 'module'];
/** Where training scripts keep their options. */
const OPTIONS = 'args';

/** Opens what `torch.save` writes since version 1.6, a ZIP archive. See `openTensorFile`. */
export async function openTorchFile(handle: FileHandle, path: string): Promise<TensorFile> {
  const { size } = await handle.stat();
  const entries = await zipEntries(handle, size, path);
  const names = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (names.length !== 1)
    throw new FileFormatError(path, "a PyTorch file holds one 'data.pkl' in its folder", names);
  const folder = names[0]!.slice(0, -'data.pkl'.length);
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
  const { weights, settings, others } = parts(root, path);
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
    settings,
    others,
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

/** Reads the span that a view sees, and puts its elements in order. */
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

/** The named tensors of what was saved: a dict of tensors, or the one in a checkpoint. */
function parts(
  root: unknown,
  path: string,
): {
  weights: Map<string, TorchTensor>;
  settings: Record<string, Setting>;
  others: string[];
} {
  const fail = (rule: string, got: unknown) => new FileFormatError(path, rule, got);
  if (!(root instanceof Map)) throw fail('a PyTorch file must hold a dict of tensors', typeof root);
  const keys = [...root.keys()].map(keyName);
  if (tensorsOf(root).size > 0) {
    const weights = tensorsOf(root);
    return { weights, settings: settingsOf(root), others: keys.filter((key) => !weights.has(key)) };
  }
  const wrapper = WRAPPERS.find((key) => tensorsOf(root.get(key)).size > 0);
  if (wrapper === undefined)
    throw fail(`a checkpoint must hold its weights, named tensors, under ${WRAPPERS.join(', ')}`, keys);
  const weights = tensorsOf(root.get(wrapper));
  const inner = [...root.get(wrapper).keys()].map(keyName).filter((key) => !weights.has(key));
  return {
    weights,
    settings: settingsOf(root.get(OPTIONS)),
    others: [
      ...keys.filter((key) => key !== wrapper && key !== OPTIONS),
      ...inner.map((key) => `${wrapper}.${key}`),
    ],
  };
}

/** A key in words; tuples may nest without end, and are not spelled out. */
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
