import { plural } from '../text/plural.ts';
import { DTYPES, type Dtype, elementCount } from './dtypes.ts';
import { type Maker, PickledObject, PickleFault, type Vocabulary } from './pickle-values.ts';

/** Values of tensors, in a separate entry of the archive. */
export class TorchStorage {
  readonly dtype: Dtype;
  /** Name of the entry. */
  readonly key: string;
  readonly elements: number;

  constructor(dtype: Dtype, key: string, elements: number) {
    this.dtype = dtype;
    this.key = key;
    this.elements = elements;
  }
}

/**
 * A view of a storage; `offset` and `strides` count elements. It lies inside of the storage and has at most as many
 * elements.
 */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }

  /** Elements from the first to the last of the view, inclusive. */
  get span(): number {
    if (elementCount(this.shape) === 0) return 0;
    return 1 + this.shape.reduce((sum, size, axis) => sum + (size - 1) * this.strides[axis]!, 0);
  }
}

const storages: Readonly<Record<string, Dtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** PyTorch's names of the dtypes, as tensors of an untyped storage use them. */
const dtypes: Readonly<Record<string, Dtype>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};

const MAX_RANK = 64;

/** Names of types of storages, of tensors and of their elements. */
const TYPES =
  /^torch(\.cuda|\.storage)?(\.sparse)?\.([A-Z]\w*(Storage|Tensor)|Tensor|bool|b?float\d+(_\w+)?|b?complex\d+|q?u?int\d+(x\d)?|bits\d+(x\d)?|per_(tensor|channel)_\w+)$/;

/**
 * The names that PyTorch's unpickler of weights allows (`torch.load` with `weights_only=True`), and the options of a
 * training script. Sparse, quantised and complex tensors become objects without values.
 */
export const torchVocabulary: Vocabulary = {
  global(module, name) {
    const key = `${module.replace(/^__builtin__$/, 'builtins')}.${name}`; // as Python 2 and its protocols call it
    if (Object.hasOwn(makers, key)) return makers[key];
    return TYPES.test(key) ? new PickledObject(name) : undefined;
  },
  persistent: storage,
};

/** Makes an object that only records its type. */
const opaque =
  (type: string): Maker =>
  () =>
    new PickledObject(type);
const first: Maker = ([data]) => data;

const makers: Readonly<Record<string, Maker>> = {
  'collections.OrderedDict': orderedDict,
  'collections.Counter': counter,
  'builtins.set': ([items]) => new Set(listOf(items)),
  'builtins.frozenset': ([items]) => new Set(listOf(items)),
  'builtins.complex': opaque('complex'),
  'builtins.bytes': bytesOf,
  'builtins.bytearray': bytesOf,
  '_codecs.encode': bytesOf,
  'torch._utils._rebuild_tensor': tensor,
  'torch._utils._rebuild_tensor_v2': tensor,
  'torch._utils._rebuild_tensor_v3': tensorOfType,
  'torch._utils._rebuild_parameter': first,
  'torch._utils._rebuild_parameter_with_state': first,
  'torch._utils._rebuild_device_tensor_from_cpu_tensor': first,
  'torch._utils._rebuild_device_tensor_from_numpy': opaque('torch.Tensor'),
  'torch._utils._rebuild_meta_tensor_no_storage': opaque('torch.Tensor'),
  'torch._utils._rebuild_qtensor': opaque('torch.Tensor'),
  'torch._utils._rebuild_sparse_tensor': opaque('torch.Tensor'),
  'torch._utils._rebuild_wrapper_subclass': opaque('torch.Tensor'),
  'torch._tensor._rebuild_from_type_v2': ofType,
  'torch.nn.parameter.Parameter': first,
  'torch.Tensor': ([data]) => (data instanceof TorchTensor ? data : new PickledObject('torch.Tensor')),
  'torch.serialization._get_layout': opaque('torch.layout'),
  'torch.Size': ([sizes = []]) => sizes,
  'torch.device': opaque('torch.device'),
  'argparse.Namespace': opaque('argparse.Namespace'),
};

/** OrderedDict: empty, or from pairs. */
function orderedDict([pairs = []]: readonly unknown[]): unknown {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new PickleFault('an OrderedDict must be made from pairs', pairs);
  return new Map(pairs as [unknown, unknown][]);
}

/** Counter: empty, or from a dict of counts. */
function counter([counts = new Map()]: readonly unknown[]): unknown {
  if (counts instanceof Map) return new Map(counts);
  throw new PickleFault('a Counter must be made from a dict', counts);
}

function listOf(items: unknown = []): readonly unknown[] {
  if (Array.isArray(items)) return items;
  throw new PickleFault('a set must be made from a list', items);
}

/** bytes: `()`, `(bytes)`, or `(text, 'latin1')`, the form of protocols before 3. */
function bytesOf([content = '']: readonly unknown[]): unknown {
  if (content instanceof Uint8Array) return content;
  if (typeof content === 'string') return Buffer.from(content, 'latin1');
  throw new PickleFault('bytes must be made from text', content);
}

/** A subclass or a tensor with attributes: `(rebuild, type, args, state)`. */
function ofType([rebuild, , args]: readonly unknown[]): unknown {
  if (typeof rebuild !== 'function' || !Array.isArray(args))
    throw new PickleFault('a tensor of a type must be rebuilt by a known maker', rebuild);
  return rebuild(args);
}

/** `('storage', <type>, key, location, elements)`. */
function storage(id: unknown): TorchStorage | PickledObject {
  const [tag, type, key, , elements] = Array.isArray(id) ? id : [];
  if (tag !== 'storage' || !(type instanceof PickledObject) || !type.type.endsWith('Storage'))
    throw new PickleFault('a persistent id of a pickle must be the storage of a tensor', tag);
  if (typeof key !== 'string' || !isSize(elements))
    throw new PickleFault('a storage must have a key and a number of elements', elements);
  if (type.type === 'UntypedStorage') return new TorchStorage('U8', key, elements);
  if (Object.hasOwn(storages, type.type)) return new TorchStorage(storages[type.type]!, key, elements);
  return type;
}

/** `(storage, offset, shape, strides, requires_grad, backward_hooks, dtype)`, the storage counted in bytes. */
function tensorOfType([storage, offset, shape, strides, , , dtype]: readonly unknown[]): unknown {
  if (!(storage instanceof TorchStorage) || !(dtype instanceof PickledObject))
    throw new PickleFault('a tensor must have a storage and a type', storage);
  if (!Object.hasOwn(dtypes, dtype.type)) return dtype;
  const type = dtypes[dtype.type]!;
  const elements = storage.elements / DTYPES[type].bytes;
  if (!isSize(elements)) throw new PickleFault('a storage must hold whole elements', storage.elements);
  return tensor([new TorchStorage(type, storage.key, elements), offset, shape, strides]);
}

/** `(storage, offset, shape, strides, requires_grad, backward_hooks)`. */
function tensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor | PickledObject {
  if (storage instanceof PickledObject) return storage; // of unsupported elements
  if (!(storage instanceof TorchStorage)) throw new PickleFault('a tensor must have a storage', storage);
  if (!isSize(offset)) throw new PickleFault("a tensor's offset must be a whole number from 0", offset);
  if (!isSizes(shape)) throw new PickleFault("a tensor's shape must be whole numbers from 0", shape);
  if (!isSizes(strides) || strides.length !== shape.length)
    throw new PickleFault("a tensor's strides must be whole numbers from 0, one for each axis", strides);
  const result = new TorchTensor(storage, offset, shape, strides);
  if (offset + result.span > storage.elements || elementCount(shape) > storage.elements)
    throw new PickleFault(
      `a tensor must lie in its storage of ${plural(storage.elements, 'element')} and repeat none`,
      `shape [${shape}], strides [${strides}], offset ${offset}`,
    );
  return result;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isSize);
}

/** Bytes of a storage. */
export function storageBytes({ dtype, elements }: TorchStorage): number {
  return elements * DTYPES[dtype].bytes;
}
