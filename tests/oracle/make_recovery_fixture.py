"""Errors of reconstructions over unseen pixels, for inputs and predictions of task fixtures: tests/fixtures/recovery.json. Needs NumPy."""

import json
from pathlib import Path

import numpy as np

from safetensors_io import load

FOLDER = Path(__file__).parent.parent / "fixtures"
KEYS = ["masked", "masked-mae", "zoomed-in", "masked+zoomed-in", "zoomed-out", "masked+zoomed-out", "blurred"]


def pooled(image, height, width):
    """Adaptive average pooling of [..., h, w], pixel by pixel."""
    h, w = image.shape[-2:]
    out = np.empty(image.shape[:-2] + (height, width))
    for y in range(height):
        for x in range(width):
            rows = slice(y * h // height, -(-(y + 1) * h // height))
            columns = slice(x * w // width, -(-(x + 1) * w // width))
            out[..., y, x] = image[..., rows, columns].mean((-2, -1))
    return out


def in_view(maps, task, view, top, left):
    """Sums of the encoder's input [C, H, W] at the places of the view that it shows, [C, Hv, Wv]."""
    height, width = maps.shape[-2:]
    out = np.zeros(maps.shape[:1] + view)
    for y in range(height):
        for x in range(width):
            if "zoomed-in" in task:
                v, u = y + (view[0] - height) // 2, x + (view[1] - width) // 2
            else:
                v, u = mirrored(y - top, view[0]), mirrored(x - left, view[1])
            out[:, v, u] += maps[:, y, x]
    return out


def mirrored(place, side):
    """An index beyond the ends, reflected with the edge repeated."""
    return np.pad(np.arange(side), side, mode="symmetric")[place + side]


def statistics(picture, share, patch):
    """Mean and deviation of each patch and channel, [rows, columns, C], as the encoder knows them."""
    channels, height, width = picture.shape
    rows, columns = height // patch, width // patch
    means, deviations = np.zeros((2, rows, columns, channels))
    known = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            part = (slice(r * patch, (r + 1) * patch), slice(c * patch, (c + 1) * patch))
            weight = share[part]
            known[r, c] = weight.mean()
            if weight.sum() < 1e-6:
                continue
            values = picture[(slice(None),) + part]
            mean = (values * weight).sum((1, 2)) / weight.sum()
            variance = ((values - mean[:, None, None]) ** 2 * weight).sum((1, 2)) / weight.sum()
            means[r, c], deviations[r, c] = mean, np.sqrt(variance * patch**2 / (patch**2 - 1))
    filled = [np.zeros_like(means), np.zeros_like(means)]
    for r in range(rows):
        for c in range(columns):
            total, sums = 0.0, [0.0, 0.0]
            for y in range(rows):
                for x in range(columns):
                    near = (np.exp(-((r - y) ** 2 + (c - x) ** 2) / 2) + 1e-6) * known[y, x]
                    total += near
                    sums = [s + near * of[y, x] for s, of in zip(sums, (means, deviations))]
            for place, of, s in zip(filled, (means, deviations), sums):
                place[r, c] = known[r, c] * of[r, c] + (1 - known[r, c]) * s / total
    return filled


def on_scale(means, deviations, mean, std):
    """The same of the picture whose darkest and brightest mean are moved into [0, 1]."""
    shown = means * std + mean
    low, high = min(0, shown.min()), max(1, shown.max())
    return ((shown - low) / (high - low) - mean) / std, deviations / (high - low)


def errors(key):
    tensors, metadata = load(FOLDER / f"task-{key}.safetensors")
    config = json.loads(metadata["config"])
    task, patch, channels = config["task"], config["patch"], config["channels"]
    height, width = config["image"]
    rows, columns = height // patch, width // patch
    mean, std = (np.array(config[name])[:, None, None] for name in ("mean", "std"))
    kept_count = int(rows * columns * (1 - config["maskRatio"]) + 1e-9)
    result = {"model": [], "means": []}
    for b, view in enumerate(tensors["view"].astype(np.float64)):
        degraded = tensors["degraded"][b].astype(np.float64)
        kept = np.ones((height, width))
        if "draw.order" in tensors:
            visible = np.zeros(rows * columns)
            visible[tensors["draw.order"][b][:kept_count]] = 1
            kept = np.kron(visible.reshape(rows, columns), np.ones((patch, patch)))
        original, picture, share = view, degraded, kept
        if "zoomed" in task:
            top, left = (int(tensors[n][b]) if n in tensors else 0 for n in ("draw.top", "draw.left"))
            moved = [in_view(m, task, view.shape[1:], top, left) for m in (degraded * kept, kept[None])]
            total, covered = (pooled(m, height, width) for m in moved)
            picture, share = total / np.maximum(covered, 1e-6), np.minimum(covered[0], 1)
            original = pooled(view, height, width)
        means, deviations = on_scale(*statistics(picture, share, patch), mean[:, 0, 0], std[:, 0, 0])
        ramp = np.arange(patch**2) - (patch**2 - 1) / 2
        ramp /= ramp.std(ddof=1)
        drawn, flat = np.empty((2, channels, height, width))
        for r in range(rows):
            for c in range(columns):
                part = (slice(None), slice(r * patch, (r + 1) * patch), slice(c * patch, (c + 1) * patch))
                values = tensors["prediction"][b, r * columns + c].reshape(patch, patch, channels).transpose(2, 0, 1)
                known = means[r, c][:, None] + deviations[r, c][:, None] * ramp
                if config["target"] == "channel":
                    centre = known.mean(1)[:, None, None]
                    spread = known.std(1, ddof=1)[:, None, None] + 1e-6 / std
                else:
                    centre, spread = known.mean(), np.sqrt(known.var(ddof=1) + 1e-6)
                drawn[part] = values * spread + centre
                flat[part] = means[r, c][:, None, None]
        unseen = share < 0.999
        if not unseen.any():
            unseen[:] = True
        shown = lambda x: np.clip(x * std + mean, 0, 1)[:, unseen]
        for name, made in (("model", drawn), ("means", flat)):
            result[name].append(float(((shown(made) - shown(original)) ** 2).mean()))
    return result


path = FOLDER / "recovery.json"
path.write_text(json.dumps({key: errors(key) for key in KEYS}, indent=1) + "\n")
