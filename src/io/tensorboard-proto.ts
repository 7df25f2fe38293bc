import protobuf from 'protobufjs/light.js';

/** The part of TensorBoard's schema that scalars, pictures and texts use (tensorboard/compat/proto/event.proto). */
const schema = {
  nested: {
    Event: {
      fields: {
        wallTime: { type: 'double', id: 1 },
        step: { type: 'int64', id: 2 },
        fileVersion: { type: 'string', id: 3 },
        summary: { type: 'Summary', id: 5 },
        sessionLog: { type: 'SessionLog', id: 7 },
      },
    },
    SessionLog: { fields: { status: { type: 'int32', id: 1 } } },
    Summary: { fields: { value: { rule: 'repeated', type: 'Value', id: 1 } } },
    Value: {
      oneofs: { value: { oneof: ['simpleValue', 'image', 'tensor'] } }, // so a scalar of 0 is written
      fields: {
        tag: { type: 'string', id: 1 },
        simpleValue: { type: 'float', id: 2 },
        image: { type: 'Image', id: 4 },
        tensor: { type: 'TensorProto', id: 8 },
        metadata: { type: 'SummaryMetadata', id: 9 },
      },
    },
    Image: {
      fields: {
        height: { type: 'int32', id: 1 },
        width: { type: 'int32', id: 2 },
        colorspace: { type: 'int32', id: 3 },
        encodedImageString: { type: 'bytes', id: 4 },
      },
    },
    TensorProto: {
      fields: {
        dtype: { type: 'int32', id: 1 },
        tensorShape: { type: 'TensorShapeProto', id: 2 },
        stringVal: { rule: 'repeated', type: 'bytes', id: 8 },
      },
    },
    TensorShapeProto: { fields: {} },
    SummaryMetadata: { fields: { pluginData: { type: 'PluginData', id: 1 } } },
    PluginData: { fields: { pluginName: { type: 'string', id: 1 } } },
  },
};

/** A value under a name: a scalar, a PNG, or a text as Markdown. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly png: Uint8Array }
  | { readonly tag: string; readonly text: string };

/** What an event says. */
export type EventContent =
  | { readonly fileVersion: string }
  | { readonly sessionStart: true }
  | { readonly summary: readonly SummaryValue[] };

const eventType = protobuf.Root.fromJSON(schema).lookupType('Event');

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
  return eventType.encode(eventType.fromObject({ wallTime, step, ...what })).finish();
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
