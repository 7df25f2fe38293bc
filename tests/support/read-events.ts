import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A field of a protobuf message: a number for varints, bytes for other types. */
type Field = readonly [id: number, value: bigint | Buffer];

export interface TensorboardContent {
  /** Step → value, by tag. */
  readonly scalars: Record<string, Record<number, number>>;
  /** Sizes of pictures by step, by tag. */
  readonly images: Record<string, Record<number, readonly [width: number, height: number]>>;
  readonly texts: Record<string, string>;
  /** Number of written values, including values that a later file replaces. */
  readonly written: number;
}

/**
 * TensorBoard's view of a folder, by its rules (event_accumulator.py): files in the order of their names; a
 * SessionLog.START at step s drops all events from s on. Shares no code with the writer.
 */
export async function readEvents(folder: string): Promise<TensorboardContent> {
  const content = { scalars: {}, images: {}, texts: {}, written: 0 } as TensorboardContent & {
    written: number;
  };
  for (const name of (await readdir(folder)).sort()) {
    const file = await readFile(join(folder, name));
    for (let at = 0; at < file.length; ) {
      const length = Number(file.readBigUInt64LE(at));
      readEvent(fields(file.subarray(at + 12, at + 12 + length)), content);
      at += length + 16;
    }
  }
  return content;
}

function readEvent(event: readonly Field[], content: TensorboardContent & { written: number }): void {
  const step = Number(one(event, 2) ?? 0n);
  const session = one(event, 7) as Buffer | undefined;
  if (session && one(fields(session), 1) === 1n)
    for (const values of [...Object.values(content.scalars), ...Object.values(content.images)])
      for (const known of Object.keys(values)) if (Number(known) >= step) delete values[Number(known)];
  const summary = one(event, 5) as Buffer | undefined;
  for (const [, bytes] of summary ? fields(summary) : []) {
    const value = fields(bytes as Buffer);
    const tag = String(one(value, 1));
    const [scalar, image, tensor] = [2, 4, 8].map((id) => one(value, id) as Buffer | undefined);
    content.written++;
    if (scalar) content.scalars[tag] = { ...content.scalars[tag], [step]: scalar.readFloatLE() };
    if (image) {
      const [height, width] = [1, 2].map((id) => Number(one(fields(image), id)));
      content.images[tag] = { ...content.images[tag], [step]: [width!, height!] };
    }
    if (tensor) content.texts[tag] = String(one(fields(tensor), 8));
  }
}

function one(message: readonly Field[], id: number): bigint | Buffer | undefined {
  return message.find(([known]) => known === id)?.[1];
}

function fields(message: Buffer): Field[] {
  const out: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) out.push([key >> 3, varint()]);
    else {
      const length = kind === 2 ? Number(varint()) : kind === 1 ? 8 : 4;
      out.push([key >> 3, message.subarray(at, at + length)]);
      at += length;
    }
  }
  return out;
}
