import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { crc32c } from './crc32c.ts';
import { aboutPathSync } from './system-error.ts';
import { type EventContent, encodeEvent, type SummaryValue } from './tensorboard-proto.ts';

const PREFIX = 'events.out.tfevents.';

/**
 * A file of TensorBoard events, one for each session of a run. An event is handed to the system before a call
 * returns, so a killed process leaves whole records. All methods throw the system's error.
 */
export class EventFile {
  readonly path: string;

  /**
   * Starts a file in `folder`, and creates the folder if necessary.
   * @param purgeStep TensorBoard drops the events of earlier files in the folder from this step on
   */
  constructor(folder: string, purgeStep?: number) {
    mkdirSync(folder, { recursive: true });
    // TensorBoard reads files in the order of their names. A clock that was set back must not change the order.
    const seconds = Math.max(now(), ...eventFiles(folder).map((name) => secondsOf(name) + 1));
    this.path = join(
      folder,
      `${PREFIX}${String(Math.floor(seconds)).padStart(10, '0')}.${hostname()}.${process.pid}`,
    );
    this.#append(now(), purgeStep ?? 0, { fileVersion: 'brain.Event:2' });
    if (purgeStep !== undefined) this.#append(now(), purgeStep, { sessionStart: true });
  }

  /** Writes values of a step. @param wallTime seconds since 1970; default: now */
  write(step: number, values: readonly SummaryValue[], wallTime = now()): void {
    this.#append(wallTime, step, { summary: values });
  }

  #append(wallTime: number, step: number, content: EventContent): void {
    aboutPathSync(this.path, () => appendFileSync(this.path, record(encodeEvent(wallTime, step, content))));
  }
}

/** Names of the event files in a folder. */
export function eventFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(PREFIX));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A TFRecord: length, its masked checksum, the data, its masked checksum; little-endian. */
export function record(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return out;
}

/** TensorFlow's masked CRC (lib/hash/crc32c.h): rotated right by 15 bits, plus a constant. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function secondsOf(name: string): number {
  return Number.parseInt(name.slice(PREFIX.length), 10) || 0;
}

function now(): number {
  return Date.now() / 1000;
}
