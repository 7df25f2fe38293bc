"""Writes tests/fixtures/photometric.json: pixels distorted in brightness, contrast, saturation and hue by Python's colorsys.

    python3 tests/oracle/make_photometric_fixture.py

Needs the standard library alone. Steps and their order as in mmsegmentation's PhotoMetricDistortion; every step rounds to bytes.
"""

import colorsys
import json
import math
import os
import random

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "photometric.json")


def byte(x):
    return max(0, min(255, math.floor(x + 0.5)))


def in_hsv(pixel, change):
    h, s, v = colorsys.rgb_to_hsv(*(x / 255 for x in pixel))
    return [byte(255 * x) for x in colorsys.hsv_to_rgb(*change(h, s, v))]


def distort(pixel, draws):
    linear = lambda p, a, b: [byte(a * x + b) for x in p]
    if "brightness" in draws:
        pixel = linear(pixel, 1, draws["brightness"])
    if "contrast" in draws and draws["contrastFirst"]:
        pixel = linear(pixel, draws["contrast"], 0)
    if "saturation" in draws:
        pixel = in_hsv(pixel, lambda h, s, v: (h, min(1, s * draws["saturation"]), v))
    if "hue" in draws:
        pixel = in_hsv(pixel, lambda h, s, v: ((h + draws["hue"] / 360) % 1, s, v))
    if "contrast" in draws and not draws["contrastFirst"]:
        pixel = linear(pixel, draws["contrast"], 0)
    return pixel


def main():
    rng, cases = random.Random(29), []
    ranges = {"brightness": (-32, 32), "contrast": (0.5, 1.5), "saturation": (0.5, 1.5), "hue": (-36, 36)}
    for i in range(24):
        draws = {name: rng.uniform(*of) for name, of in ranges.items() if rng.random() < 0.5 or i == 0}
        draws["contrastFirst"] = rng.random() < 0.5
        pixels = [[rng.randrange(256) for _ in range(3)] for _ in range(20)]
        pixels += [[0, 0, 0], [255, 255, 255], [80, 80, 80], [255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 200], [200, 200, 9]]
        cases.append({"draws": draws, "pixels": pixels, "distorted": [distort(p, draws) for p in pixels]})
    with open(OUT, "w") as file:
        json.dump(cases, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
