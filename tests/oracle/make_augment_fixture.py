"""Writes tests/fixtures/augment.json: what timm and Pillow make of small random images.

    python3 tests/oracle/make_augment_fixture.py

Needs timm >= 1.0 (written with 1.0.31), Pillow >= 10 (written with 13.0.0) and PyTorch. Holds

- operations: the bytes of every RandAugment operation on the same argument,
- levels: its argument for a magnitude, both signs,
- policies: what timm reads out of a policy string,
- erasing: quantiles of the erased rectangles and moments of the noise, put back to bytes.
"""

import base64
import json
import math
import os
import random

import numpy as np
import torch
from PIL import Image
from timm.data import auto_augment as aa
from timm.data.random_erasing import RandomErasing

FILL = (124, 116, 104)
WARPS = ["Rotate", "ShearX", "ShearY", "TranslateXRel", "TranslateYRel"]
NAMES = list(dict.fromkeys(aa._RAND_TRANSFORMS + aa._RAND_INCREASING_TRANSFORMS))
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def pictures():
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:18, 0:24]
    slope = np.stack([9 * x, 200 - 8 * y, 60 + 3 * x + 4 * y], -1) + rng.normal(0, 12, (18, 24, 3))
    yield np.clip(slope, 20, 230).astype(np.uint8)
    yield rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    yield (rng.integers(0, 160, (15, 23)) + 30).astype(np.uint8)  # grey
    yield np.full((4, 5, 3), 77, np.uint8)


def arguments(name):
    if aa.LEVEL_TO_ARG[name] is None:
        return [0]
    if name == "Rotate":
        return [-27.3, 11.9, 30.0, 0.0]
    if name.startswith("Shear"):
        return [-0.27, 0.13]
    if name.startswith("Translate"):
        return [-0.405, 0.1, 0.31]
    if name.startswith("Posterize"):
        return [1, 2, 3, 4]
    if name == "SolarizeAdd":
        return [0, 37, 110]
    if name.startswith("Solarize"):
        return [0, 26, 100, 256]
    return [0.1, 0.19, 0.55, 1.0, 1.3, 1.81]


def operation_cases(images):
    for index, array in enumerate(images):
        image = Image.fromarray(array)
        for name in NAMES:
            if name.endswith("Increasing"):
                continue  # the same function on other arguments
            for argument in arguments(name) if index == 0 else arguments(name)[:2]:
                for interpolation in ["bilinear", "bicubic"] if name in WARPS else [None]:
                    kwargs = {"fillcolor": FILL if array.ndim == 3 else FILL[0]}
                    if interpolation:
                        kwargs["resample"] = getattr(Image.Resampling, interpolation.upper())
                    args = [] if aa.LEVEL_TO_ARG[name] is None else [argument]
                    out = aa.NAME_TO_OP[name](image, *args, **kwargs)
                    case = {"image": index, "name": name, "argument": argument, "bytes": text(np.asarray(out))}
                    yield {**case, "interpolation": interpolation} if interpolation else case


def level_cases():
    kept = random.random
    for name in NAMES:
        function = aa.LEVEL_TO_ARG[name]
        for level in [0.0, 0.7, 3.3, 5.0, 9.0, 9.43, 10.0, 12.5]:
            for sign in [1, -1]:
                random.random = lambda: 0.0 if sign == 1 else 1.0
                value = function(level, {})[0] if function and not name.startswith("SolarizeAdd") else None
                if name == "SolarizeAdd":
                    value = function(level, {})  # timm gives a number here
                    value = value[0] if isinstance(value, tuple) else value
                yield {"name": name, "level": level, "sign": sign, "argument": value or 0}
    random.random = kept


def policy_cases():
    for policy in ["rand-m9-mstd0.5-inc1", "rand", "rand-m7-n3", "rand-m15-mmax20-p0.7", "rand-mstd101-inc0-n1", "rand-m0-inc1"]:
        transform = aa.rand_augment_transform(policy, {"img_mean": FILL})
        op = transform.ops[0]
        yield {
            "policy": policy,
            "magnitude": op.magnitude,
            "layers": transform.num_layers,
            "probability": op.prob,
            "deviation": "inf" if math.isinf(op.magnitude_std) else op.magnitude_std,
            "maximum": op.magnitude_max or 10,
            "names": [each.name for each in transform.ops],
        }


def erasing_case(height, width, count):
    random.seed(1)
    torch.manual_seed(1)
    eraser = RandomErasing(probability=0.4, mode="const", max_count=count, device="cpu")
    shares, aspects, trials = [], [], 20000
    for _ in range(trials):
        image = torch.ones(1, height, width)
        eraser(image)
        rows, columns = np.nonzero(image[0].numpy() == 0)
        if len(rows) == 0:
            continue
        shares.append(len(rows) / (height * width))
        aspects.append((np.ptp(rows) + 1) / (np.ptp(columns) + 1))
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    return {
        "height": height,
        "width": width,
        "count": count,
        "erased": len(shares) / trials,
        "levels": levels,
        "share": np.quantile(shares, levels).round(4).tolist(),
        "aspect": np.quantile(aspects, levels).round(4).tolist(),
    }


def noise_case():
    noise = np.random.default_rng(3).standard_normal((10**6, 3)) * STD + MEAN
    values = np.clip(np.round(255 * noise), 0, 255)
    return {"mean": values.mean(0).round(3).tolist(), "std": values.std(0).round(3).tolist()}


def main():
    images = list(pictures())
    fixture = {
        "fill": FILL,
        "images": [
            {"height": a.shape[0], "width": a.shape[1], "channels": a.ndim == 3 and 3 or 1, "data": text(a)}
            for a in images
        ],
        "operations": list(operation_cases(images)),
        "levels": list(level_cases()),
        "policies": list(policy_cases()),
        "erasing": [erasing_case(32, 32, 1), erasing_case(40, 60, 1), erasing_case(48, 48, 3)],
        "noise": noise_case(),
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "augment.json")
    with open(path, "w") as file:
        json.dump(fixture, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
