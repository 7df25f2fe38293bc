"""Images in formats of several programs, and their statistics by NumPy: tests/fixtures/survey.

Needs NumPy, Pillow, tifffile and ImageMagick's `convert`. Images have shorter sides of at most 128 pixels, so that nothing is shrunk.

    python tests/oracle/make_survey_fixtures.py
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageFilter

folder = Path(__file__).parent.parent / "fixtures" / "survey"
shutil.rmtree(folder, ignore_errors=True)
rng = np.random.default_rng(54)
DISTANCES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]


def smooth(height, width, radius, channels=3):
    noise = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    bands = [Image.fromarray(noise[..., c]).filter(ImageFilter.GaussianBlur(radius)) for c in range(channels)]
    image = np.stack([np.asarray(band, dtype=float) for band in bands], -1)
    image = (image - image.min()) / (image.max() - image.min()) * rng.uniform(120, 255)
    return image.round().astype(np.uint8)


def statistics(images):
    means = np.mean([image.reshape(-1, image.shape[-1]).mean(0) / 255 for image in images], 0)
    squares = np.mean([((image.reshape(-1, image.shape[-1]) / 255.0) ** 2).mean(0) for image in images], 0)
    sums = {}
    for image in images:
        grey = image.astype(float).mean(-1)
        grey -= grey.mean()
        shorter = min(grey.shape)
        for r in (r for r in DISTANCES if r <= shorter / 2):
            across, down = (grey[:, r:] * grey[:, :-r]).mean(), (grey[r:] * grey[:-r]).mean()
            entry = sums.setdefault(r / shorter, [0, 0])
            entry[0] += (grey**2).mean()
            entry[1] += (across + down) / 2
    curve = [(share, both[1] / both[0]) for share, both in sorted(sums.items())]
    shares, values = [0.0] + [share for share, _ in curve], [1.0] + [value for _, value in curve]
    level = np.exp(-1)
    i = next(i for i, value in enumerate(values) if value <= level)
    length = np.interp(level, [values[i], values[i - 1]], [shares[i], shares[i - 1]])
    return {"mean": means.tolist(), "std": np.sqrt(squares - means**2).tolist(), "correlationLength": float(length)}


expected = {}
for name, channels in (("colour", 3), ("grey", 1)):
    (folder / name).mkdir(parents=True)
    images = []
    for i, (height, width) in enumerate([(24, 30), (40, 25), (32, 32), (28, 28)]):
        pixels = smooth(height, width, 1 + i / 2, channels)
        images.append(pixels)
        squeezed = pixels if channels == 3 else pixels[..., 0]
        path = folder / name / f"{i}"
        if i == 0:
            Image.fromarray(squeezed).save(f"{path}.png")
        elif i == 1:
            tifffile.imwrite(f"{path}.tif", squeezed, photometric="rgb" if channels == 3 else "minisblack", datetime=False, software="", metadata=None)
        elif i == 2:  # grey stored as colours, by ImageMagick
            Image.fromarray(squeezed).save("/dev/shm/in.png")
            subprocess.run(["convert", "/dev/shm/in.png", "-type", "TrueColor", "-strip", f"PNG24:{path}.png"], check=True)
        else:
            Image.fromarray(squeezed).save(f"{path}.webp", lossless=True, exact=True)
    expected[name] = statistics(images)

# Duplicates: an equal file, copies in another size, format and quality; and other images.
(folder / "copies").mkdir()
photo = smooth(64, 80, 4)
Image.fromarray(photo).save(folder / "copies" / "photo.png")
shutil.copy(folder / "copies" / "photo.png", folder / "copies" / "same.png")
Image.fromarray(photo).save(folder / "copies" / "quality.jpg", quality=70)
subprocess.run(["convert", str(folder / "copies" / "photo.png"), "-resize", "50%", "-strip", str(folder / "copies" / "half.png")], check=True)
Image.fromarray(smooth(64, 80, 4)).save(folder / "copies" / "other.png")
Image.fromarray(photo[:, ::-1].copy()).save(folder / "copies" / "mirrored.png")
Image.fromarray(np.full((40, 40, 3), 90, np.uint8)).save(folder / "copies" / "flat.png")
Image.fromarray(np.full((40, 44, 3), 91, np.uint8)).save(folder / "copies" / "flat-too.png")
(folder / "copies" / "broken.jpg").write_bytes((folder / "copies" / "quality.jpg").read_bytes()[:300])
(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
