"""Writes tests/fixtures/segmentation.safetensors: scores of labelled pixels and sliding windows as mmsegmentation has them.

    python3 tests/oracle/make_segmentation_fixture.py

Needs PyTorch >= 1.13 and NumPy. Computed in float64 from float32 numbers; written from the definitions, with whole arrays.

- scores.<i>.truth, .predicted: images of class numbers (255: ignored); metadata scores: classes, mIoU, mAcc, aAcc, iou, acc
- slide.<i>.image.<s> [C, H, W] in each scale, .weight [K, C], .labels: sliding windows over a model that averages 4 x 4 pixels and
  multiplies; .sure: 1 where the best class is ahead by more than 1e-6; metadata slide: window, stride, flip, size
"""

import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(__file__))
import safetensors_io  # noqa: E402

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "segmentation.safetensors")
PATCH = 4


def scores(rng, tensors, metadata):
    described = []
    for i, (classes, absent, predicted_only, images) in enumerate([(5, [], [], 3), (7, [2, 4], [], 2), (6, [1, 3], [3], 4), (1, [], [], 1)]):
        truth = rng.integers(0, classes, (images, 90))
        for k in absent:
            truth[truth == k] = 255
        truth[rng.random(truth.shape) < 0.1] = 255
        usual = [k for k in range(classes) if k not in absent or k in predicted_only]
        predicted = np.where(rng.random(truth.shape) < 0.5, truth, rng.choice(usual, truth.shape))
        predicted[predicted == 255] = usual[0]
        matrix = np.zeros((classes, classes))
        for t, p in zip(truth.ravel(), predicted.ravel()):
            if t != 255:
                matrix[t, p] += 1
        inter, label, pred = np.diag(matrix), matrix.sum(1), matrix.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            iou, acc = inter / (label + pred - inter), inter / label
        described.append({
            "classes": classes, "mIoU": float(np.nanmean(iou)), "mAcc": float(np.nanmean(acc)), "aAcc": float(inter.sum() / label.sum()),
            "iou": [None if np.isnan(x) else x for x in iou], "acc": [None if np.isnan(x) else x for x in acc],
        })
        tensors.update({f"scores.{i}.truth": truth, f"scores.{i}.predicted": predicted})
    metadata["scores"] = json.dumps(described)


def model(x, weight):
    return torch.einsum("kc,bchw->bkhw", weight, F.avg_pool2d(x, PATCH))


def resize(x, size):
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def slide(image, weight, window, stride):
    """mmsegmentation's slide_inference; an image smaller than the window is padded with zeros at its end."""
    _, _, height, width = image.shape
    (h, w), (sy, sx) = window, stride
    padded = F.pad(image, (0, max(0, w - width), 0, max(0, h - height)))
    sums, counts = torch.zeros(1, weight.shape[0], *padded.shape[2:], dtype=image.dtype), torch.zeros(padded.shape[2:], dtype=image.dtype)
    for row in range(max(padded.shape[2] - h + sy - 1, 0) // sy + 1):
        for column in range(max(padded.shape[3] - w + sx - 1, 0) // sx + 1):
            y2, x2 = min(row * sy + h, padded.shape[2]), min(column * sx + w, padded.shape[3])
            y1, x1 = max(y2 - h, 0), max(x2 - w, 0)
            sums[:, :, y1:y2, x1:x2] += resize(model(padded[:, :, y1:y2, x1:x2], weight), window)
            counts[y1:y2, x1:x2] += 1
    assert (counts > 0).all()
    return (sums / counts)[:, :, :height, :width]


def windows(rng, tensors, metadata):
    described = []
    cases = [
        ((16, 20), (10, 13), False, [(37, 53)], (37, 53)),  # overlapping, moved back at the ends
        ((16, 16), (16, 16), False, [(32, 48)], (50, 71)),  # side by side, the result enlarged
        ((24, 24), (16, 16), False, [(15, 40)], (9, 31)),  # lower than a window, the result shrunk
        ((16, 16), (11, 11), True, [(30, 33)], (30, 33)),  # mirrored too
        ((16, 16), (12, 12), True, [(20, 26), (30, 39), (41, 52)], (30, 39)),  # several scales
    ]
    for i, (window, stride, flip, sizes, size) in enumerate(cases):
        weight = rng.normal(0, 1, (6, 3)).astype(np.float32)
        w, shares = torch.from_numpy(weight).double(), 0
        for s, (height, width) in enumerate(sizes):
            image = rng.normal(0, 1, (3, height, width)).astype(np.float32)
            tensors[f"slide.{i}.image.{s}"] = image
            for mirrored in [False, True] if flip else [False]:
                x = torch.from_numpy(image).double()[None]
                logits = resize(slide(x.flip(3) if mirrored else x, w, window, stride), size)
                logits = logits.flip(3) if mirrored else logits
                shares = shares + (logits.softmax(1) if flip or len(sizes) > 1 else logits)
        top = shares[0].topk(2, dim=0).values
        tensors.update({f"slide.{i}.weight": weight, f"slide.{i}.labels": shares[0].argmax(0), f"slide.{i}.sure": (top[0] - top[1] > 1e-6).int()})
        described.append({"window": window, "stride": stride, "flip": flip, "size": size, "scales": len(sizes)})
    metadata["slide"] = json.dumps(described)


def main():
    rng, tensors, metadata = np.random.default_rng(31), {}, {}
    scores(rng, tensors, metadata)
    windows(rng, tensors, metadata)
    safetensors_io.save(OUT, {k: np.asarray(v) for k, v in tensors.items()}, metadata)


if __name__ == "__main__":
    main()
