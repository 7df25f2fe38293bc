"""Images inside of a tar, and views of a mask, by other programs.

Needs NumPy and Pillow; the tar is written by Python's tarfile.
Writes tests/fixtures/samples/: shard.tar and samples.json, which holds the places of the images in the tar, the pixels that Pillow
reads there, and crops of a mask resized by Pillow's NEAREST.
"""

import base64
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

here = Path(__file__).parent.parent / 'fixtures' / 'samples'
here.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(11)


def base64_of(pixels):
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()


def encoded(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


ramp = np.linspace(0, 255, 23)[:, None, None] * np.ones((1, 17, 1)) * [1, 0.5, 0.2]
noise = rng.integers(0, 256, (9, 13, 3)).astype(np.uint8)
members = {
    'ramp.jpg': encoded(ramp.astype(np.uint8), 'JPEG', quality=95, subsampling=0),
    'notes.txt': b'no image',
    'noise.png': encoded(noise, 'PNG'),
    'noise.webp': encoded(noise[::-1].copy(), 'WEBP', lossless=True),
}
with tarfile.open(here / 'shard.tar', 'w', format=tarfile.PAX_FORMAT) as tar:
    for name, data in members.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))

images = []
with tarfile.open(here / 'shard.tar') as tar:
    for member in tar:
        if member.name.endswith('.txt'):
            continue
        pixels = np.asarray(Image.open(tar.extractfile(member)).convert('RGB'))
        images.append({
            'name': member.name, 'offset': member.offset_data, 'length': member.size,
            'shape': list(pixels.shape), 'pixels': base64_of(pixels),
        })

mask = rng.integers(0, 256, (37, 53)).astype(np.uint8)
views = []
for _ in range(12):
    width, height = (int(rng.integers(3, limit + 1)) for limit in (53, 37))
    x, y = int(rng.integers(0, 53 - width + 1)), int(rng.integers(0, 37 - height + 1))
    size = [int(n) for n in rng.integers(1, 60, 2)]
    flip = bool(rng.integers(2))
    view = Image.fromarray(mask).crop((x, y, x + width, y + height)).resize((size[1], size[0]), Image.Resampling.NEAREST)
    view = np.asarray(ImageOps.mirror(view) if flip else view)
    views.append({'box': {'x': x, 'y': y, 'width': width, 'height': height}, 'size': size, 'flip': flip, 'pixels': base64_of(view)})

content = {'images': images, 'mask': {'shape': list(mask.shape), 'pixels': base64_of(mask), 'views': views}}
(here / 'samples.json').write_text(json.dumps(content) + '\n')
