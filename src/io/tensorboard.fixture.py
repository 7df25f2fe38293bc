"""Writes tensorboard.fixture.json: events as TensorBoard's own Python package serializes and frames them, in base64.

    pip install tensorboard==2.21.0 && python src/io/tensorboard.fixture.py

With the path of a folder, prints instead what TensorBoard reads from the event files there, as JSON.
"""

import base64
import io
import json
import pathlib
import struct
import sys
import zlib

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def png(width, height):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(range(3 * width))) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def scalar(tag, value):
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def events():
    yield event_pb2.Event(wall_time=1.5, step=7, file_version="brain.Event:2")
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    yield event_pb2.Event(wall_time=2.25, step=7, session_log=start)
    values = [scalar("metrics/loss", 0.625), scalar("knn/features", 1 / 3), scalar("metrics/lr", 0.0)]
    yield event_pb2.Event(wall_time=1.7e9, step=7, summary=summary_pb2.Summary(value=values))
    picture = png(5, 3)
    image = summary_pb2.Summary.Image(height=3, width=5, colorspace=3, encoded_image_string=picture)
    value = summary_pb2.Summary.Value(tag="reconstructions", image=image)
    yield event_pb2.Event(wall_time=3.0, step=2**40, summary=summary_pb2.Summary(value=[value]))
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=["grün = 1".encode()])
    tensor.tensor_shape.SetInParent()
    metadata = summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    value = summary_pb2.Summary.Value(tag="settings", tensor=tensor, metadata=metadata)
    yield event_pb2.Event(wall_time=4.0, step=0, summary=summary_pb2.Summary(value=[value]))


def framed(event):
    file = io.BytesIO()
    RecordWriter(file).write(event.SerializeToString(deterministic=True))
    return base64.b64encode(file.getvalue()).decode()


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    return {
        "scalars": {tag: [[e.step, e.value] for e in accumulator.Scalars(tag)] for tag in tags["scalars"]},
        "images": {tag: [[e.step, e.width, e.height] for e in accumulator.Images(tag)] for tag in tags["images"]},
        "texts": {
            tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in accumulator.Tensors(tag)]
            for tag in tags["tensors"]
        },
    }


if len(sys.argv) > 1:
    print(json.dumps(read(sys.argv[1]), indent=1))
else:
    fixture = {"png": base64.b64encode(png(5, 3)).decode(), "records": [framed(event) for event in events()]}
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(fixture, indent=2) + "\n")
