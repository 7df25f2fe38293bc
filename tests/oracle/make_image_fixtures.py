"""Image files of unusual samples, bands and endings, by other programs, and the bytes that must be read from them.

Needs NumPy, Pillow, tifffile and imagecodecs; ImageMagick 6 as `convert` for three of the files.
Writes tests/fixtures/images/: the files, and images.json.
"""

import base64
import json
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

here = Path(__file__).parent.parent / 'fixtures' / 'images'
here.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)
HEIGHT, WIDTH = 5, 7
cases = []


def to_bytes(values, low, high):
    scaled = (np.asarray(values, np.float64) - low) / (high - low)
    return np.minimum(255, np.floor(255 * np.clip(scaled, 0, 1) + 0.5)).astype(np.uint8)


def case(file, made_by, expected, channels=None, span=None):
    """A file that is read as `expected` [height, width, channels] by a model of so many channels."""
    cases.append({
        'file': file, 'madeBy': made_by, 'channels': channels, 'range': span,
        'shape': list(expected.shape), 'bytes': base64.b64encode(expected.tobytes()).decode(),
    })


def refused(file, made_by, message, channels=None):
    cases.append({'file': file, 'madeBy': made_by, 'channels': channels, 'error': message})


def tiff(file, array, **options):
    tifffile.imwrite(here / file, array, **options)


def named_once(file, tag):
    """Has a tag of a file (little-endian, one page) give once what it gave for every band, as some programs write it."""
    path = here / file
    data = bytearray(path.read_bytes())
    directory = int.from_bytes(data[4:8], 'little')
    for entry in range(directory + 2, directory + 2 + 12 * int.from_bytes(data[directory:directory + 2], 'little'), 12):
        if int.from_bytes(data[entry:entry + 2], 'little') == tag:
            offset = int.from_bytes(data[entry + 8:entry + 12], 'little')
            data[entry + 4:entry + 12] = (1).to_bytes(4, 'little') + data[offset:offset + 2] + b'\0\0'
    path.write_bytes(data)


def grey(expected):
    return np.repeat(expected[..., None], 3, axis=2)


def on_white(colours, alpha):
    return colours * alpha + 1 - alpha


one = rng.random((HEIGHT, WIDTH))
rgb = rng.random((HEIGHT, WIDTH, 3))
rgba = rng.random((HEIGHT, WIDTH, 4))
many = rng.random((HEIGHT, WIDTH, 12))

# Grey and colour of every type, on its own range.
for kind in ['float16', 'float32', 'float64']:
    values = one.astype(kind)
    tiff(f'grey-{kind}.tif', values)
    case(f'grey-{kind}.tif', 'tifffile', grey(to_bytes(values, 0, 1)))
for kind in ['int8', 'int16', 'int32', 'uint32']:
    top = np.iinfo(kind).max
    values = (one * top).astype(kind)
    tiff(f'grey-{kind}.tif', values)
    case(f'grey-{kind}.tif', 'tifffile', grey(to_bytes(values, 0, top)))
for kind, top in [('float32', 1), ('uint32', 2**32 - 1)]:
    values = (rgb * top).astype(kind)
    tiff(f'rgb-{kind}.tif', values, photometric='rgb')
    case(f'rgb-{kind}.tif', 'tifffile', to_bytes(values, 0, top), channels=3)
Image.fromarray(one.astype(np.float32), 'F').save(here / 'pillow-f.tif')
case('pillow-f.tif', 'Pillow', grey(to_bytes(one.astype(np.float32), 0, 1)), channels=3)
values = (one * 1000 - 100).astype(np.int32)
Image.fromarray(values, 'I').save(here / 'pillow-i.tif')
case('pillow-i.tif', 'Pillow', grey(to_bytes(values, -100, 900)), channels=3, span=[-100, 900])
refused('pillow-i.tif', 'Pillow', 'data.range', channels=3)
tiff('white-is-zero.tif', one.astype(np.float32), photometric='miniswhite')
case('white-is-zero.tif', 'tifffile', grey(to_bytes(1 - one.astype(np.float32).astype(np.float64), 0, 1)), channels=3)
tiff('float-255.tif', (rgb * 255).astype(np.float32), photometric='rgb')
refused('float-255.tif', 'tifffile', 'must lie in [0, 1]', channels=3)
case('float-255.tif', 'tifffile', to_bytes((rgb * 255).astype(np.float32), 0, 255), channels=3, span=[0, 255])
holes = one.astype(np.float32)
holes[1, 2] = np.nan
tiff('float-nan.tif', holes)
case('float-nan.tif', 'tifffile', grey(to_bytes(np.nan_to_num(holes), 0, 1)), channels=3)

# A fourth band is alpha where the file says so.
colours = (rgba * 255).astype(np.uint8)
tiff('rgb-and-unnamed.tif', colours, photometric='rgb', extrasamples=[0])
case('rgb-and-unnamed.tif', 'tifffile', np.ascontiguousarray(colours[..., :3]), channels=3)
case('rgb-and-unnamed.tif', 'tifffile', colours, channels=4)
values = rgba.astype(np.float32)
tiff('rgb-and-alpha-float.tif', values, photometric='rgb', extrasamples=[2])
wide = values.astype(np.float64)
case('rgb-and-alpha-float.tif', 'tifffile', to_bytes(on_white(wide[..., :3], wide[..., 3:]), 0, 1), channels=3)
values = np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=2).astype(np.float32)
tiff('rgb-times-alpha-float.tif', values, photometric='rgb', extrasamples=[1])
wide = values.astype(np.float64)
case('rgb-times-alpha-float.tif', 'tifffile', to_bytes(wide[..., :3] + 1 - wide[..., 3:], 0, 1), channels=3)

# Bands without colours, in several layouts.
five = (many[..., :5] * 65535).astype(np.uint16)
black = {'photometric': 'minisblack'}
tiff('bands-5-tiles.tif', five, **black, planarconfig='contig', tile=(16, 16), compression='lzw', predictor=True)
case('bands-5-tiles.tif', 'tifffile', to_bytes(five, 0, 65535), channels=5)
case('bands-5-tiles.tif', 'tifffile', to_bytes(five, 0, 65535))
case('bands-5-tiles.tif', 'tifffile', to_bytes(five, 1000, 9000), channels=5, span=[1000, 9000])
refused('bands-5-tiles.tif', 'tifffile', 'got 5 bands without colours', channels=3)
refused('bands-5-tiles.tif', 'tifffile', 'got 5 bands without colours', channels=12)
twelve = many.astype(np.float32)
tiff('bands-12-planes.tif', np.ascontiguousarray(twelve.transpose(2, 0, 1)), **black, planarconfig='separate', bigtiff=True)
case('bands-12-planes.tif', 'tifffile', to_bytes(twelve, 0, 1), channels=12)
two = (many[..., :2] * 255).astype(np.uint8)
tiff('bands-2-turned.tif', two, **black, planarconfig='contig', byteorder='>', extratags=[(274, 3, 1, 6, True)])
case('bands-2-turned.tif', 'tifffile', np.ascontiguousarray(np.rot90(two, -1)), channels=2)
three = (many[..., :3] * 255).astype(np.uint8)
tiff('bands-3.tif', three, **black, planarconfig='contig', compression='zstd')
case('bands-3.tif', 'tifffile', three, channels=3)

# What TIFF wants for each band, given once.
tiff('format-once-planes.tif', np.ascontiguousarray(rgb.transpose(2, 0, 1)), photometric='rgb', planarconfig='separate')
named_once('format-once-planes.tif', 339)
case('format-once-planes.tif', 'tifffile', to_bytes(rgb, 0, 1), channels=3)
tiff('format-once.tif', rgb.astype(np.float32), photometric='rgb')
named_once('format-once.tif', 339)
case('format-once.tif', 'tifffile', to_bytes(rgb.astype(np.float32), 0, 1), channels=3)
tiff('bits-once.tif', (many[..., :5] * 65535).astype(np.uint16), **black, planarconfig='contig')
named_once('bits-once.tif', 258)
case('bits-once.tif', 'tifffile', to_bytes((many[..., :5] * 65535).astype(np.uint16), 0, 65535), channels=5)

# PNGs whose alpha is a band.
Image.fromarray(colours, 'RGBA').save(here / 'rgba.png')
case('rgba.png', 'Pillow', colours, channels=4)
refused('rgba.png', 'Pillow', 'takes images of 2 channels, got an image of 4', channels=2)
Image.fromarray(two, 'LA').save(here / 'grey-alpha.png')
case('grey-alpha.png', 'Pillow', two, channels=2)
words = (rgba * 65535).astype(np.uint16)
(here / 'rgba-16.png').write_bytes(imagecodecs.png_encode(words))
case('rgba-16.png', 'imagecodecs', to_bytes(words, 0, 65535), channels=4)
case('rgba-16.png', 'imagecodecs', to_bytes(words, 0, 20000), channels=4, span=[0, 20000])
plain = np.ascontiguousarray(colours[..., :3])
Image.fromarray(plain, 'RGB').save(here / 'rgb.png')
for channels in [2, 4, 12]:
    refused('rgb.png', 'Pillow', f'takes images of {channels} channels, got an image of 3', channels=channels)

# ImageMagick's floats and 32-bit numbers; read back by tifffile.
source = str(here / 'rgb.png')
for file, options in [
    ('magick-float.tif', ['-depth', '32', '-define', 'quantum:format=floating-point']),
    ('magick-32.tif', ['-depth', '32']),
    ('magick-grey-float.tif', ['-colorspace', 'Gray', '-depth', '32', '-define', 'quantum:format=floating-point']),
]:
    subprocess.run(['/usr/bin/convert', source, *options, '-strip', str(here / file)], check=True)
    values = tifffile.imread(here / file)
    top = 1 if values.dtype.kind == 'f' else np.iinfo(values.dtype).max
    expected = to_bytes(values, 0, top)
    case(file, 'ImageMagick', expected if expected.ndim == 3 else grey(expected), channels=3)

(here / 'images.json').write_text(json.dumps(cases, indent=1) + '\n')
