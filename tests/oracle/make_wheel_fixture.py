"""Writes a small wheel as Python's tools write them: packed, with data files, a package in two places and a file that may be run.

    python3 tests/oracle/make_wheel_fixture.py
"""

import base64
import hashlib
import pathlib
import zipfile

NAME = "tiny_library-1.2.0"
FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "wheels"
FILES = {
    "tiny/__init__.py": (b"answer = 42\n" * 100, 0o644),
    f"{NAME}.data/purelib/tiny/pure.py": (b"pure = True\n", 0o644),
    f"{NAME}.data/platlib/tiny/bin/tool": (b"#!/bin/sh\necho tool\n", 0o755),
    f"{NAME}.data/data/lib/libtiny.so": (bytes(range(256)) * 16, 0o755),
    f"{NAME}.data/data/lib/libtiny.so.1": (bytes(range(256)) * 16, 0o755),
    f"{NAME}.dist-info/METADATA": (b"Metadata-Version: 2.1\nName: tiny-library\nVersion: 1.2.0\n", 0o644),
    f"{NAME}.dist-info/WHEEL": (
        b"Wheel-Version: 1.0\nGenerator: make_wheel_fixture\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
        0o644,
    ),
}


def record() -> bytes:
    def line(name: str, data: bytes) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{name},sha256={digest},{len(data)}\n"

    lines = [line(name, data) for name, (data, _) in FILES.items()]
    return "".join([*lines, f"{NAME}.dist-info/RECORD,,\n"]).encode()


FOLDER.mkdir(exist_ok=True)
with zipfile.ZipFile(FOLDER / f"{NAME}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, (data, mode) in {**FILES, f"{NAME}.dist-info/RECORD": (record(), 0o644)}.items():
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, data)
