"""Writes tests/fixtures/identity: different pictures in uncompressed TIFFs of the same size in bytes.

    python3 tests/oracle/make_identity_fixtures.py

Needs Pillow >= 10 (written with 13.0.0), tifffile (written with 2026.3.3) and NumPy. `<program>-<a|b>.tif` hold random pixels,
12 x 10, RGB; those of one program differ in nothing else.
"""

import os

import numpy as np
import tifffile
from PIL import Image

folder = os.path.join(os.path.dirname(__file__), "..", "fixtures", "identity")
os.makedirs(folder, exist_ok=True)
for program in ["pillow", "tifffile"]:
    sizes = set()
    for number, name in enumerate("ab"):
        pixels = np.random.default_rng([7, number]).integers(0, 256, (10, 12, 3), dtype=np.uint8)
        path = os.path.join(folder, f"{program}-{name}.tif")
        if program == "pillow":
            Image.fromarray(pixels).save(path, compression=None)
        else:
            tifffile.imwrite(path, pixels, photometric="rgb", datetime=False, software="", metadata=None)
        sizes.add(os.path.getsize(path))
    assert len(sizes) == 1, sizes
