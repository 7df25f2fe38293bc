import type { Api } from './api.ts';
import { constants, structs } from './layout.ts';
import { type Address, copyFrom, cString, native, type Struct } from './struct.ts';

/** Options of a plugin's client, such as `visible_devices`. */
export type ClientOptions = Readonly<Record<string, boolean | number | string | readonly number[]>>;

/** The options in PJRT's format: an array of structs, and its length. */
export function packOptions(api: Api, options: ClientOptions): { bytes: Uint8Array; count: number } {
  const entries = Object.entries(options).map(([name, value]) => namedValue(api, name, value));
  const bytes = native(entries.length * (entries[0]?.bytes.length ?? 0));
  entries.forEach((entry, i) => {
    bytes.set(entry.bytes, i * entry.bytes.length);
  });
  // Keeps the structs' names and texts alive with the bytes that point to them.
  return { bytes: Object.assign(bytes, { entries }), count: entries.length };
}

/** The texts among a plugin's named values. */
export function unpackTexts(api: Api, address: Address, count: number): Record<string, string> {
  const { size } = structs.PJRT_NamedValue;
  const bytes = copyFrom(api.koffi, address, count * size);
  const entries = Array.from({ length: count }, (_, i) => {
    const entry = api.struct('PJRT_NamedValue');
    entry.bytes.set(bytes.subarray(i * size, (i + 1) * size));
    return entry;
  });
  const texts = entries.filter((entry) => entry.number('type') === constants.PJRT_NamedValue_kString);
  return Object.fromEntries(
    texts.map((entry) => {
      const value = copyFrom(api.koffi, entry.big('string_value'), entry.number('value_size'));
      return [api.text(entry, 'name'), new TextDecoder().decode(value)];
    }),
  );
}

function namedValue(api: Api, name: string, value: ClientOptions[string]): Struct {
  const text = cString(name);
  const entry = api.struct('PJRT_NamedValue', { name: text.bytes, name_size: text.length, value_size: 1 });
  if (typeof value === 'string') {
    const content = cString(value);
    entry.set('type', constants.PJRT_NamedValue_kString);
    entry.set('string_value', content.bytes);
    entry.set('value_size', content.length);
  } else if (typeof value === 'boolean') {
    entry.set('type', constants.PJRT_NamedValue_kBool);
    entry.set('bool_value', value);
  } else if (typeof value === 'number' && Number.isInteger(value)) {
    entry.set('type', constants.PJRT_NamedValue_kInt64);
    entry.set('int64_value', value);
  } else if (typeof value === 'number') {
    entry.set('type', constants.PJRT_NamedValue_kFloat);
    entry.setFloat('float_value', value);
  } else {
    entry.set('type', constants.PJRT_NamedValue_kInt64List);
    entry.set('int64_array_value', new Uint8Array(BigInt64Array.from(value, BigInt).buffer));
    entry.set('value_size', value.length);
  }
  return entry;
}
