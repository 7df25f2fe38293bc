"""Minimal safetensors reader and writer (F32, F64, I32)."""
import json
import struct

import numpy as np

DTYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I32": np.dtype("<i4")}


def save(path, tensors, metadata):
    """Writes floating tensors as F32 and integer tensors as I32; metadata values must be strings."""
    header, chunks, offset = {"__metadata__": metadata}, [], 0
    for name, value in tensors.items():
        value = np.asarray(value)
        dtype = "I32" if np.issubdtype(value.dtype, np.integer) else "F32"
        data = np.ascontiguousarray(value, DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [offset, offset + len(data)]}
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def load(path):
    """Returns (tensors, metadata)."""
    with open(path, "rb") as file:
        raw = file.read()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata
