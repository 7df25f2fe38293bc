import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../tests/support/temporary-folder.ts';
import { crc32c } from './crc32c.ts';
import fixture from './tensorboard.fixture.json' with { type: 'json' };
import { EventFile, eventFiles, record } from './tensorboard.ts';
import { type EventContent, encodeEvent } from './tensorboard-proto.ts';

const folder = temporaryFolder();

test.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['0 … 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
])('CRC-32C of %s, as in RFC 3720', (_, bytes, sum) => {
  expect(crc32c(bytes)).toBe(sum);
});

test("events equal those of TensorBoard's Python package, byte for byte", () => {
  const png = Buffer.from(fixture.png, 'base64');
  const values = [
    { tag: 'metrics/loss', scalar: 0.625 },
    { tag: 'knn/features', scalar: 1 / 3 },
    { tag: 'metrics/lr', scalar: 0 },
  ];
  const events: [number, number, EventContent][] = [
    [1.5, 7, { fileVersion: 'brain.Event:2' }],
    [2.25, 7, { sessionStart: true }],
    [1.7e9, 7, { summary: values }],
    [3, 2 ** 40, { summary: [{ tag: 'reconstructions', png }] }],
    [4, 0, { summary: [{ tag: 'settings', text: 'grün = 1' }] }],
  ];
  const records = events.map((event) => Buffer.from(record(encodeEvent(...event))).toString('base64'));
  expect(records).toEqual(fixture.records);
});

test('files are read in the order in which they were started', () => {
  const events = join(folder, 'order');
  const first = new EventFile(events);
  const future = join(events, `events.out.tfevents.${Math.floor(Date.now() / 1000) + 1000}.host.1`);
  writeFileSync(future, ''); // from a clock that was set back later
  const last = new EventFile(events, 3);
  last.write(3, [{ tag: 'loss', scalar: 1 }]);
  expect(
    readdirSync(events)
      .sort()
      .map((name) => join(events, name)),
  ).toEqual([first.path, future, last.path]);
  expect(eventFiles(join(folder, 'none'))).toEqual([]);
  expect(readFileSync(last.path).length).toBeGreaterThan(readFileSync(first.path).length);
});
