"""
Writes hog.safetensors, histograms of oriented gradients of images of bytes (NumPy and PyTorch).

Gradients are sums of bytes here, so that a gradient along an axis has an exact angle. Shifting and scaling a channel
leaves its histograms as they are.
"""
import json
import os

import numpy as np
import torch

import safetensors_io
import targets

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
CASES = [(4, 3, (12, 20)), (8, 3, (16, 24)), (14, 1, (28, 28)), (16, 1, (32, 16)), (16, 3, (16, 32)), (5, 1, (10, 5))]


def pictures(rng, channels, size):
    """Noise, few grey levels, edges along the axes, a ramp, and an area without any gradient: uint8 [5, C, H, W]."""
    height, width = size
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    noise = rng.integers(0, 256, (channels, *size))
    levels = 85 * rng.integers(0, 4, (channels, *size))
    edges = np.stack([np.where((y // 3 + c) % 2, 200, 40) + np.where(x > width // 2, 13 * c, 55) for c in range(channels)])
    ramp = np.stack([(2 - c) * 3 * y + c * 2 * x + 7 for c in range(channels)])
    flat = np.full((channels, *size), 128)
    flat[:, height // 2, width // 2] = 129
    return np.stack([noise, levels, edges, ramp, flat]).astype(np.uint8)


def main():
    rng = np.random.default_rng(17)
    tensors = {}
    for i, (patch, channels, size) in enumerate(CASES):
        images = pictures(rng, channels, size)
        tensors[f"{i}.image"] = images.astype(np.int32)
        tensors[f"{i}.target"] = targets.hog(torch.from_numpy(images).double(), patch).numpy()
    metadata = {"patch": json.dumps([patch for patch, _, _ in CASES])}
    safetensors_io.save(os.path.join(OUT, "hog.safetensors"), tensors, metadata)


if __name__ == "__main__":
    main()
