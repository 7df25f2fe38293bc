"""Writes tests/fixtures/labels: small masks as PNGs of all kinds, and what they hold (labels.json).

    python3 tests/oracle/make_label_fixtures.py

Needs Pillow, NumPy and ImageMagick's `convert`. Random numbers with a fixed seed.
"""

import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "labels")


def main():
    rng, described = np.random.default_rng(23), {}
    os.makedirs(OUT, exist_ok=True)
    height, width = 11, 13

    def save(name, image, values, kind="values", **options):
        image.save(os.path.join(OUT, f"{name}.png"), **options)
        described[name] = {"kind": kind, "shape": [height, width], "values": np.asarray(values).ravel().tolist()}

    for bits in (1, 2, 4, 8):
        values = rng.integers(0, 2**bits, (height, width)).astype(np.uint8)
        palette = Image.fromarray(values, "P")
        palette.putpalette(rng.integers(0, 256, 3 * 2**bits).astype(np.uint8).tolist())
        save(f"palette-{bits}", palette, values, bits=bits)
    values = rng.integers(0, 4, (height, width)).astype(np.uint8)
    clear = Image.fromarray(values, "P")
    clear.putpalette(rng.integers(0, 256, 12).astype(np.uint8).tolist())
    save("palette-transparency", clear, values, transparency=0)
    values = rng.integers(0, 2, (height, width)).astype(np.uint8)
    save("grey-1", Image.fromarray(values * 255, "L").convert("1"), values)
    values = rng.integers(0, 256, (height, width)).astype(np.uint8)
    save("grey-8", Image.fromarray(values, "L"), values)
    values = rng.integers(0, 65536, (height, width)).astype(np.uint16)
    save("grey-16", Image.fromarray(values), values)
    opaque = np.stack([values // 256, np.full_like(values, 255)], 2).astype(np.uint8)
    save("grey-alpha", Image.fromarray(opaque, "LA"), values // 256)
    colours = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    packed = colours.astype(int) @ [65536, 256, 1]
    save("colours", Image.fromarray(colours, "RGB"), packed, "colours")
    alpha = np.concatenate([colours, np.full((height, width, 1), 255, np.uint8)], 2)
    save("colours-alpha", Image.fromarray(alpha, "RGBA"), packed, "colours")

    # By another program: grey of 2 and 4 bits, and interlaced files.
    with tempfile.TemporaryDirectory() as folder:
        for bits in (2, 4):
            values = rng.integers(0, 2**bits, (height, width)).astype(np.uint8)
            source = os.path.join(folder, "grey.pgm")
            with open(source, "wb") as file:
                file.write(b"P5 %d %d %d\n" % (width, height, 2**bits - 1) + values.tobytes())
            convert(source, f"grey-{bits}", "-define", f"png:bit-depth={bits}", "-define", "png:color-type=0")
            described[f"grey-{bits}"] = {"kind": "values", "shape": [height, width], "values": values.ravel().tolist()}
        values = rng.integers(0, 256, (height, width)).astype(np.uint8)
        source = os.path.join(folder, "grey.pgm")
        with open(source, "wb") as file:
            file.write(b"P5 %d %d 255\n" % (width, height) + values.tobytes())
        convert(source, "interlaced", "-interlace", "PNG", "-define", "png:color-type=0")
        described["interlaced"] = {"kind": "values", "shape": [height, width], "values": values.ravel().tolist()}
    with open(os.path.join(OUT, "labels.json"), "w") as file:
        json.dump(described, file, separators=(",", ":"))


def convert(source, name, *options):
    subprocess.run(["convert", source, "-strip", *options, os.path.join(OUT, f"{name}.png")], check=True)


if __name__ == "__main__":
    main()
