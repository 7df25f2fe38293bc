"""Writes tests/fixtures/conv.safetensors: convolutions by torch.nn.functional.conv2d, with first and second derivatives.

Pixels at a distance, and zeros around that may be negative, are laid out beforehand: conv2d itself pads alike on both sides.
For y = conv(x, f) and numbers dy, a and b, with dx and df the gradients of sum(y * dy), the file holds the gradients of
sum(dx * a) + sum(df * b) with respect to x, f and dy as well. All in float64 from values that float32 holds.
"""
import json
import os

import numpy as np
import torch
from torch.nn.functional import conv2d, pad

import safetensors_io

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "conv.safetensors")
CASES = 12


def draw_window(rng):
    """A side, and how filters move along it, such that they fit."""
    taps, stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    input_dilation, filter_dilation = int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 1, 2]))
    padding = [int(n) for n in rng.integers(-2, 4, 2)]
    least = 1 + (taps - 1) * filter_dilation - sum(padding)
    side = max(1, -(-(least - 1) // input_dilation) + 1) + int(rng.integers(0, 3))
    return taps, stride, input_dilation, filter_dilation, padding, side


def convolve(x, filters, options):
    rows, columns = options["inputDilation"]
    batch, channels, height, width = x.shape
    wide = x.new_zeros(batch, channels, (height - 1) * rows + 1, (width - 1) * columns + 1)
    wide[:, :, ::rows, ::columns] = x
    (top, bottom), (left, right) = options["padding"]
    around = pad(wide, [max(0, zeros) for zeros in (left, right, top, bottom)])
    inside = [slice(max(0, -before), min(0, after) or None) for before, after in options["padding"]]
    around = around[:, :, inside[0], inside[1]]
    return conv2d(
        around, filters, stride=options["strides"], dilation=options["filterDilation"], groups=options["groups"]
    )


def main():
    rng = np.random.default_rng(11)
    tensors, cases = {}, []
    for case in range(CASES):
        windows = [draw_window(rng) for _ in range(2)]
        taps, strides, input_dilation, filter_dilation, padding, sides = map(list, zip(*windows))
        groups = int(rng.choice([1, 1, 2, 3]))
        batch, channels, out = (int(n) for n in rng.integers(1, 3, 3))
        options = {
            "strides": strides,
            "padding": padding,
            "inputDilation": input_dilation,
            "filterDilation": filter_dilation,
            "groups": groups,
        }

        def numbers(*shape):
            values = rng.standard_normal(shape).astype(np.float32)
            return torch.tensor(values, dtype=torch.float64, requires_grad=True)

        x, filters = numbers(batch, groups * channels, *sides), numbers(groups * out, channels, *taps)
        y = convolve(x, filters, options)
        dy, a, b = numbers(*y.shape), numbers(*x.shape), numbers(*filters.shape)
        dx, df = torch.autograd.grad((y * dy).sum(), (x, filters), create_graph=True)
        second = torch.autograd.grad((dx * a).sum() + (df * b).sum(), (x, filters, dy))
        named = {"x": x, "filters": filters, "dy": dy, "a": a, "b": b, "y": y, "dx": dx, "df": df}
        named.update(zip(("x2", "filters2", "dy2"), second))
        for name, tensor in named.items():
            tensors[f"{case}.{name}"] = tensor.detach().numpy()
        cases.append(options)
    safetensors_io.save(OUT, tensors, {"torch": torch.__version__, "cases": json.dumps(cases)})


main()
