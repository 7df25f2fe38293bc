import { encodeMessage, type Fields } from '../protobuf/wire.ts';

// The subset of TensorBoard's schema for scalars, images and texts (tensorboard/compat/proto/event.proto).
const imageFields: Fields = {
  height: [1, 'int'],
  width: [2, 'int'],
  colorspace: [3, 'int'],
  encodedImageString: [4, 'bytes'],
};
const tensorFields: Fields = { dtype: [1, 'int'], tensorShape: [2, {}], stringVal: [8, 'bytes'] };
const valueFields: Fields = {
  tag: [1, 'string'],
  simpleValue: [2, 'float', 'always'],
  image: [4, imageFields],
  tensor: [8, tensorFields],
  metadata: [9, { pluginData: [1, { pluginName: [1, 'string'] }] }],
};
const eventFields: Fields = {
  wallTime: [1, 'double'],
  step: [2, 'int'],
  fileVersion: [3, 'string'],
  summary: [5, { value: [1, valueFields] }],
  sessionLog: [7, { status: [1, 'int'] }],
};

/** A named value: a scalar, a PNG, or a Markdown text. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly png: Uint8Array }
  | { readonly tag: string; readonly text: string };

/** Content of an event. */
export type EventContent =
  | { readonly fileVersion: string }
  | { readonly sessionStart: true }
  | { readonly summary: readonly SummaryValue[] };

// SessionLog.START, DataType.DT_STRING, the colorspace RGB
const [START, STRING, RGB] = [1, 7, 3];

/** Serializes an event. @param wallTime seconds since 1970 */
export function encodeEvent(wallTime: number, step: number, content: EventContent): Uint8Array {
  const what =
    'fileVersion' in content
      ? content
      : 'sessionStart' in content
        ? { sessionLog: { status: START } }
        : { summary: { value: content.summary.map(summaryValue) } };
  return encodeMessage(eventFields, { wallTime, step, ...what });
}

function summaryValue(value: SummaryValue): object {
  const { tag } = value;
  if ('scalar' in value) return { tag, simpleValue: value.scalar };
  if ('text' in value) {
    const tensor = { dtype: STRING, tensorShape: {}, stringVal: [new TextEncoder().encode(value.text)] };
    return { tag, tensor, metadata: { pluginData: { pluginName: 'text' } } };
  }
  const { png } = value;
  const header = new DataView(png.buffer, png.byteOffset, 24); // signature, then IHDR: width and height
  const size = { width: header.getUint32(16), height: header.getUint32(20) };
  return { tag, image: { ...size, colorspace: RGB, encodedImageString: png } };
}
