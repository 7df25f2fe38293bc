"""Writes tests/fixtures/broken: pictures by Pillow, and what is left of them after a cut.

    python3 tests/oracle/make_broken_fixtures.py

Needs Pillow >= 11 (written with 13.0.0) and NumPy. `<kind>-whole` is 64 x 48 pixels of noise on ramps, `<kind>-cut` the same
without its last fifth. Pillow reads the first ones and refuses the others.
"""

import os

import numpy as np
from PIL import Image

folder = os.path.join(os.path.dirname(__file__), "..", "fixtures", "broken")
os.makedirs(folder, exist_ok=True)
y, x, c = np.mgrid[0:48, 0:64, 0:3]
noise = np.random.default_rng(5).integers(0, 32, (48, 64, 3))
image = Image.fromarray((x * 3 + y * c + noise).astype(np.uint8))
kinds = {
    "baseline.jpg": dict(quality=80),
    "progressive.jpg": dict(quality=80, progressive=True),
    "png.png": dict(),
    "webp.webp": dict(quality=70),
    "tiff.tif": dict(compression="tiff_lzw"),
    "gif.gif": dict(),
}
for name, options in kinds.items():
    kind, ending = name.split(".")
    path = os.path.join(folder, f"{kind}-whole.{ending}")
    image.save(path, **options)
    Image.open(path).load()
    with open(path, "rb") as file:
        data = file.read()
    cut = os.path.join(folder, f"{kind}-cut.{ending}")
    with open(cut, "wb") as file:
        file.write(data[: len(data) * 4 // 5])
    try:
        Image.open(cut).load()
    except OSError:
        continue
    raise AssertionError(f"Pillow reads {cut}")
