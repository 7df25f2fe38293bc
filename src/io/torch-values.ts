import { plural } from '../text/plural.ts';
import { DTYPES, type Dtype, elementCount } from './dtypes.ts';
import { type Maker, PickledObject, PickleFault, type Vocabulary } from './pickle-values.ts';

/** Values of tensors, in an entry of their own. */
export class TorchStorage {
  readonly dtype: Dtype;
  /** Name of its entry. */
  readonly key: string;
  readonly elements: number;

  constructor(dtype: Dtype, key: string, elements: number) {
    this.dtype = dtype;
    this.key = key;
    this.elements = elements;
  }
}

/** A view into a storage: `offset` and `strides` count elements. It lies inside, and has no more elements than it. */
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

  /** Elements from the first to the last that the view sees, both included. */
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

const MAX_RANK = 64;

/** The names that PyTorch's `torch.save` writes for tensors in containers, and the options of a training script. */
export const torchVocabulary: Vocabulary = {
  global(module, name) {
    if (module === 'torch' && Object.hasOwn(storages, name)) return new PickledObject(name);
    if (module === 'torch' && /^b?float\d+$|^u?int\d+$|^bool$/.test(name)) return new PickledObject(name);
    const key = `${module}.${name}`;
    return Object.hasOwn(makers, key) ? makers[key] : undefined;
  },
  persistent: storage,
};

const makers: Readonly<Record<string, Maker>> = {
  'collections.OrderedDict': orderedDict,
  'torch._utils._rebuild_tensor_v2': tensor,
  'torch._utils._rebuild_parameter': ([data]) => data,
  'torch.Size': ([sizes]) => sizes,
  'torch.device': () => new PickledObject('torch.device'),
  'argparse.Namespace': () => new PickledObject('argparse.Namespace'),
};

/** Empty, or from pairs. */
function orderedDict([pairs = []]: readonly unknown[]): unknown {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    throw new PickleFault('an OrderedDict must be made from pairs', pairs);
  return new Map(pairs as [unknown, unknown][]);
}

/** `('storage', <type>, key, location, elements)`. */
function storage(id: unknown): TorchStorage {
  const [tag, type, key, , elements] = Array.isArray(id) ? id : [];
  if (tag !== 'storage' || !(type instanceof PickledObject) || !Object.hasOwn(storages, type.type))
    throw new PickleFault('what lies beside a pickle must be the storage of a tensor', tag);
  if (typeof key !== 'string' || !isSize(elements))
    throw new PickleFault('a storage must have a key and a number of elements', elements);
  return new TorchStorage(storages[type.type]!, key, elements);
}

/** `(storage, offset, shape, strides, requires_grad, backward_hooks)`. */
function tensor([storage, offset, shape, strides]: readonly unknown[]): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw new PickleFault('a tensor must have a storage', storage);
  if (!isSize(offset)) throw new PickleFault("a tensor's offset must be a whole number from 0", offset);
  if (!isSizes(shape)) throw new PickleFault("a tensor's shape must be whole numbers from 0", shape);
  if (!isSizes(strides) || strides.length !== shape.length)
    throw new PickleFault("a tensor's strides must be whole numbers from 0, one for each axis", strides);
  const made = new TorchTensor(storage, offset, shape, strides);
  if (offset + made.span > storage.elements || elementCount(shape) > storage.elements)
    throw new PickleFault(
      `a tensor must lie in its storage of ${plural(storage.elements, 'element')} and repeat none`,
      `shape [${shape}], strides [${strides}], offset ${offset}`,
    );
  return made;
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
