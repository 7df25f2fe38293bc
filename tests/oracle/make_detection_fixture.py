"""Writes tests/fixtures/detection.json: geometry of detection by torchvision.

    python3 tests/oracle/make_detection_fixture.py

Needs PyTorch, torchvision and NumPy. Numbers are float64. Boxes lie on whole and half pixels and scores are few, so that there are ties.

- anchors: detectron2's formula (sizes 8 * stride, ratios, offset 0), restated
- deltas: BoxCoder's encode and decode, beyond its largest growth too
- nms: nms, and batched_nms by groups; match: Matcher with and without low-quality matches; levels: LevelMapper
- align: roi_align (aligned) with 2 samples and with adaptive sampling; masks: roi_align of pixels; paste: grid_sample
"""

import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.ops import batched_nms, box_iou, nms, roi_align
from torchvision.ops.poolers import LevelMapper

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "detection.json")
t = lambda x: torch.tensor(np.asarray(x), dtype=torch.float64)


def boxes_in(rng, count, size, least=2):
    """Whole and half pixels."""
    h, w = size
    x = np.sort(rng.integers(0, 2 * w, (count, 2)), 1) / 2
    y = np.sort(rng.integers(0, 2 * h, (count, 2)), 1) / 2
    x[:, 1], y[:, 1] = np.maximum(x[:, 1], x[:, 0] + least), np.maximum(y[:, 1], y[:, 0] + least)
    return np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1)


def anchors(rows, columns, stride):
    out = []
    for i in range(rows):
        for j in range(columns):
            for ratio in (0.5, 1.0, 2.0):
                w = math.sqrt((8 * stride) ** 2 / ratio)
                h = ratio * w
                out.append([j * stride - w / 2, i * stride - h / 2, j * stride + w / 2, i * stride + h / 2])
    return {"size": [rows, columns], "stride": stride, "boxes": out}


def deltas(rng, weights):
    boxes, targets = boxes_in(rng, 12, (60, 80)), boxes_in(rng, 12, (60, 80))
    coder = BoxCoder(weights)
    codes = rng.normal(0, 3, (12, 4)) * np.array(weights)
    codes[0, 2:] = 1e3
    return {
        "weights": weights, "boxes": boxes.tolist(), "targets": targets.tolist(), "codes": codes.tolist(),
        "encoded": coder.encode_single(t(targets), t(boxes)).tolist(),
        "decoded": coder.decode_single(t(codes), t(boxes)).reshape(-1, 4).tolist(),
    }


def suppression(rng, count, threshold):
    boxes, scores = boxes_in(rng, count, (20, 20), 3), rng.integers(0, 12, count) / 12
    groups = rng.integers(0, 3, count)
    return {
        "boxes": boxes.tolist(), "scores": scores.tolist(), "groups": groups.tolist(), "threshold": threshold,
        "kept": nms(t(boxes), t(scores), threshold).tolist(),
        "keptByGroup": batched_nms(t(boxes), t(scores), torch.tensor(groups), threshold).tolist(),
    }


def match(rng, count, objects):
    boxes = boxes_in(rng, count, (12, 12), 2)
    some = boxes_in(rng, objects, (12, 12), 2)
    ious = box_iou(t(some), t(boxes))
    assert (ious.max(1).values > 0).all()
    return {
        "boxes": boxes.tolist(), "objects": some.tolist(), "best": ious.max(0).values.tolist(),
        "anchors": Matcher(0.7, 0.3, allow_low_quality_matches=True)(ious).tolist(),
        "heads": Matcher(0.5, 0.5, allow_low_quality_matches=False)(ious).tolist(),
    }


def align(rng, size, stride, bins, sampling):
    rows, columns = size
    boxes = boxes_in(rng, 6, (rows * stride, columns * stride), 0.5)
    boxes[0] += np.array([-9, -7, 6, 8]) * stride  # beyond the map
    values = rng.normal(0, 1, (1, 2, rows, columns))
    rois = np.concatenate([np.zeros((6, 1)), boxes], 1)
    out = roi_align(t(values), t(rois), bins, 1 / stride, sampling, aligned=True)
    return {"size": size, "stride": stride, "bins": bins, "sampling": sampling, "boxes": boxes.tolist(),
            "map": values[0].tolist(), "read": out.tolist()}


def levels(rng):
    sides = np.concatenate([np.exp(rng.uniform(1, 7, 12)), [112, 223.9, 224, 447.9, 448, 900]])
    boxes = np.stack([0 * sides, 0 * sides, sides, sides * np.exp(rng.uniform(-0.1, 0.1, len(sides)))], 1)
    return {"boxes": boxes.tolist(), "strides": [4, 8, 16, 32], "levels": LevelMapper(2, 5)([t(boxes)]).tolist()}


def masks(rng, size):
    h, w = size
    pixels = (rng.normal(0, 1, (h // 3 + 1, w // 3 + 1)).repeat(3, 0).repeat(3, 1)[:h, :w] > 0.2).astype(int)
    boxes = boxes_in(rng, 4, (h, w), 3)
    boxes[0] += [-4, -3, 5, 6]  # beyond the picture
    read = roi_align(t(pixels)[None, None], t(np.concatenate([np.zeros((4, 1)), boxes], 1)), 28, 1.0, 0, aligned=True)[:, 0]
    return {"pixels": pixels.tolist(), "boxes": boxes.tolist(), "read": np.round(read.numpy(), 6).tolist()}


def paste(rng, size):
    """detectron2's paste_masks_in_image: grid_sample at the centres of all pixels."""
    h, w = size
    values, boxes = rng.uniform(0, 1, (4, 6, 6)), boxes_in(rng, 4, size, 1.5) + rng.uniform(-0.4, 0.4, (4, 4))
    boxes[0] += [-5, -6, 7, 4]
    out = []
    for value, (x1, y1, x2, y2) in zip(values, boxes):
        x, y = (np.arange(w) + 0.5 - x1) / (x2 - x1) * 2 - 1, (np.arange(h) + 0.5 - y1) / (y2 - y1) * 2 - 1
        grid = torch.stack(torch.meshgrid(t(y), t(x), indexing="ij")[::-1], -1)[None]
        pasted = F.grid_sample(t(value)[None, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0, 0]
        assert (pasted - 0.5).abs().min() > 1e-7
        out.append((pasted >= 0.5).int().tolist())
    return {"size": size, "values": values.tolist(), "boxes": boxes.tolist(), "pixels": out}


def main():
    rng = np.random.default_rng(43)
    fixture = {
        "anchors": [anchors(2, 3, 4), anchors(3, 1, 16)],
        "deltas": [deltas(rng, [1.0, 1.0, 1.0, 1.0]), deltas(rng, [10.0, 10.0, 5.0, 5.0])],
        "nms": [suppression(rng, 40, threshold) for threshold in (0.2, 0.5, 0.7)] + [suppression(rng, 1, 0.5)],
        "match": [match(rng, 60, objects) for objects in (1, 4, 9)],
        "align": [align(rng, [9, 13], 4, 7, 2), align(rng, [9, 13], 4, 7, 0), align(rng, [6, 5], 8, 14, 0), align(rng, [4, 7], 1, 3, 2)],
        "levels": levels(rng),
        "paste": [paste(rng, (20, 30)), paste(rng, (37, 11))],
        "masks": [masks(rng, (31, 40)), masks(rng, (90, 64))],
    }
    with open(OUT, "w") as file:
        json.dump(fixture, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
