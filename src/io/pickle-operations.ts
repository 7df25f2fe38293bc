import type { PickleStack } from './pickle-stack.ts';
import { PickledObject, PickleFault, type Vocabulary } from './pickle-values.ts';

type Operation = (stack: PickleStack, vocabulary: Vocabulary) => void;

/** Pushes the result of `read`. */
const push =
  (read: (stack: PickleStack) => unknown): Operation =>
  (stack) =>
    stack.push(read(stack));

/**
 * The operations of protocols 2 to 5 (Python's `Lib/pickletools.py`) by opcode, without extension codes, out-of-band
 * buffers and the text forms of protocol 0.
 */
export const operations: Readonly<Record<number, Operation>> = {
  128: protocol, // PROTO
  149: (stack) => void stack.take(8), // FRAME

  78: push(() => null), // NONE
  136: push(() => true), // NEWTRUE
  137: push(() => false), // NEWFALSE
  74: push((stack) => stack.int32()), // BININT
  75: push((stack) => stack.uint(1)), // BININT1
  77: push((stack) => stack.uint(2)), // BININT2
  138: push((stack) => stack.long(stack.uint(1))), // LONG1
  71: push((stack) => stack.double()), // BINFLOAT
  88: push((stack) => stack.utf8(stack.uint(4))), // BINUNICODE
  140: push((stack) => stack.utf8(stack.uint(1))), // SHORT_BINUNICODE
  141: push((stack) => stack.utf8(stack.uint(8))), // BINUNICODE8
  66: push((stack) => stack.take(stack.uint(4))), // BINBYTES
  67: push((stack) => stack.take(stack.uint(1))), // SHORT_BINBYTES
  142: push((stack) => stack.take(stack.uint(8))), // BINBYTES8
  150: push((stack) => stack.take(stack.uint(8))), // BYTEARRAY8
  84: push((stack) => stack.utf8(stack.uint(4))), // BINSTRING, of Python 2
  85: push((stack) => stack.utf8(stack.uint(1))), // SHORT_BINSTRING

  93: push(() => []), // EMPTY_LIST
  41: push(() => []), // EMPTY_TUPLE
  125: push(() => new Map()), // EMPTY_DICT
  143: push(() => new Set()), // EMPTY_SET
  108: push((stack) => stack.popMark()), // LIST
  116: push((stack) => stack.popMark()), // TUPLE
  133: push((stack) => stack.popMany(1)), // TUPLE1
  134: push((stack) => stack.popMany(2)), // TUPLE2
  135: push((stack) => stack.popMany(3)), // TUPLE3
  100: push((stack) => setItems(new Map(), stack.popMark())), // DICT
  145: push((stack) => new Set(stack.popMark())), // FROZENSET
  97: (stack) => append(stack, stack.popMany(1)), // APPEND
  101: (stack) => append(stack, stack.popMark()), // APPENDS
  115: (stack) => update(stack, stack.popMany(2)), // SETITEM
  117: (stack) => update(stack, stack.popMark()), // SETITEMS
  144: addItems, // ADDITEMS

  40: (stack) => stack.mark(), // MARK
  48: (stack) => void stack.pop(), // POP
  49: (stack) => void stack.popMark(), // POP_MARK
  50: push((stack) => stack.top()), // DUP
  113: (stack) => void stack.memo.set(stack.uint(1), stack.top()), // BINPUT
  114: (stack) => void stack.memo.set(stack.uint(4), stack.top()), // LONG_BINPUT
  148: (stack) => void stack.memo.set(stack.memo.size, stack.top()), // MEMOIZE
  104: push((stack) => recall(stack, stack.uint(1))), // BINGET
  106: push((stack) => recall(stack, stack.uint(4))), // LONG_BINGET

  99: (stack, vocabulary) => pushGlobal(stack, vocabulary, stack.line(), stack.line()), // GLOBAL
  147: (stack, vocabulary) => {
    const [module, name] = stack.popMany(2);
    pushGlobal(stack, vocabulary, module, name);
  }, // STACK_GLOBAL
  81: (stack, vocabulary) => stack.push(vocabulary.persistent(stack.pop())), // BINPERSID
  82: call, // REDUCE
  129: call, // NEWOBJ
  98: build, // BUILD
};

function protocol(stack: PickleStack): void {
  const version = stack.uint(1);
  if (version < 2 || version > 5) throw new PickleFault("a pickle's protocol must be 2 to 5", version);
}

function recall(stack: PickleStack, index: number): unknown {
  if (!stack.memo.has(index)) throw new PickleFault('a pickle must read memo entries that exist', index);
  return stack.memo.get(index);
}

function append(stack: PickleStack, items: readonly unknown[]): void {
  const list = stack.top();
  if (!Array.isArray(list)) throw new PickleFault('items of a pickle must be appended to a list', list);
  for (const item of items) list.push(item);
}

function update(stack: PickleStack, items: readonly unknown[]): void {
  const dict = stack.top();
  if (!(dict instanceof Map)) throw new PickleFault('items of a pickle must be set in a dict', dict);
  setItems(dict, items);
}

function addItems(stack: PickleStack): void {
  const items = stack.popMark();
  const set = stack.top();
  if (!(set instanceof Set)) throw new PickleFault('items of a pickle must be added to a set', set);
  for (const item of items) set.add(item);
}

function setItems(dict: Map<unknown, unknown>, items: readonly unknown[]): Map<unknown, unknown> {
  if (items.length % 2 !== 0) throw new PickleFault('items of a dict must be pairs', items.length);
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  return dict;
}

function pushGlobal(stack: PickleStack, vocabulary: Vocabulary, module: unknown, name: unknown): void {
  const found =
    typeof module === 'string' && typeof name === 'string' ? vocabulary.global(module, name) : undefined;
  if (found === undefined)
    throw new PickleFault(
      'a pickle is read as data, never run: it may name tensors, their types and plain containers only; ' +
        'save the weights alone, torch.save(model.state_dict(), FILE)',
      typeof module === 'string' && typeof name === 'string' ? `${module}.${name}` : 'something else',
    );
  stack.push(found);
}

/** REDUCE, NEWOBJ: calls a known maker with its arguments. */
function call(stack: PickleStack): void {
  const [maker, args] = stack.popMany(2);
  if (typeof maker !== 'function' || !Array.isArray(args))
    throw new PickleFault('a pickle may call known makers only, with a tuple', maker);
  stack.push(maker(args));
}

/** BUILD: sets an object's fields. Ignores the state of dicts and tensors, such as PyTorch's module versions. */
function build(stack: PickleStack): void {
  const fields = stack.pop();
  const target = stack.top();
  if (typeof target !== 'object' || target === null || Array.isArray(target))
    throw new PickleFault('only plain objects have a state in a pickle', target);
  if (!(target instanceof PickledObject)) return;
  if (!(fields instanceof Map)) throw new PickleFault('the state of an object must be a dict', fields);
  for (const [key, value] of fields) target.fields.set(key, value);
}
