"""Writes resize.fixture.json: bicubic resizes by PIL 9.4 (Debian's python3-pil), to be met byte for byte.

Run as `/usr/bin/python3 resize.fixture.py > resize.fixture.json`.
"""

import base64
import json

from PIL import Image


def picture(width, height, channels):
    # The same formula stands in resize.test.ts.
    return bytes(
        (x * x * 37 + y * 91 + c * 53 + x * y * 7) % 256
        for y in range(height)
        for x in range(width)
        for c in range(channels)
    )


cases = []
for width, height, channels, box, size in [
    (32, 32, 3, (0, 0, 32, 32), (42, 42)),
    (32, 32, 3, (5, 9, 16, 21), (32, 32)),
    (32, 32, 3, (3, 0, 29, 32), (20, 11)),
    (45, 31, 3, (7, 4, 33, 25), (5, 6)),
    (23, 40, 1, (1, 2, 20, 37), (13, 50)),
    (7, 5, 3, (2, 1, 2, 3), (16, 9)),
    (1, 1, 1, (0, 0, 1, 1), (3, 2)),
]:
    x, y, w, h = box
    mode = "RGB" if channels == 3 else "L"
    image = Image.frombytes(mode, (width, height), picture(width, height, channels))
    resized = image.crop((x, y, x + w, y + h)).resize(size, Image.BICUBIC)
    cases.append(
        {
            "image": [width, height, channels],
            "box": {"x": x, "y": y, "width": w, "height": h},
            "resized": [size[1], size[0]],
            "bytes": base64.b64encode(resized.tobytes()).decode(),
        }
    )
print(json.dumps(cases))
