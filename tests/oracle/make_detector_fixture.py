"""Writes tests/fixtures/detector.safetensors: losses and gradients of detectors by plain PyTorch and torchvision.

    python3 tests/oracle/make_detector_fixture.py

Needs PyTorch >= 1.13, torchvision and NumPy. Computed in float64 from float32 numbers, from detectron2's description of ViTDet (projects/ViTDet)
and its Mask R-CNN: torch's conv2d, conv_transpose2d, max_pool2d, layer_norm, cross_entropy, l1_loss and binary_cross_entropy_with_logits,
torchvision's roi_align (aligned, adaptive sampling) and LevelMapper. Windows are cut one by one, losses are taken image by image.

- <case>.start.*: all weights; .view (bytes); .dropPath; .anchors.labels (0 unused, 1 background, 2 object), .anchors.deltas;
  .rois.boxes [B, R, 4], .rois.classes (K: none, -1: no box), .rois.deltas, .masks.targets; .grad.*; .objectness, .deltas
  metadata <case>: config, losses, mean, std
"""

import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align
from torchvision.ops.poolers import LevelMapper

sys.path.insert(0, os.path.dirname(__file__))
import safetensors_io  # noqa: E402

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "detector.safetensors")
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]


class Model:
    def __init__(self, config, rng):
        self.c, self.rng, self.w = config, rng, {}

    def weight(self, name, *shape, std=0.3, mean=0.0):
        if name not in self.w:
            value = self.rng.normal(mean, std, shape).astype(np.float32)
            if name.endswith("qkv.bias"):
                width = self.c["width"]
                value[width : 2 * width] = 0
            self.w[name] = torch.from_numpy(value).double().requires_grad_()
        return self.w[name]

    def norm(self, x, name):
        d = x.shape[-1]
        return F.layer_norm(x, [d], self.weight(f"{name}.weight", d, mean=1), self.weight(f"{name}.bias", d), 1e-6)

    def norm_map(self, x, name):
        return self.norm(x.permute(0, 2, 3, 1), name).permute(0, 3, 1, 2)

    def linear(self, x, name, out, std=0.3):
        return F.linear(x, self.weight(f"{name}.weight", out, x.shape[-1], std=std), self.weight(f"{name}.bias", out))

    def conv(self, x, name, out, side, bias=False, std=0.3):
        w = self.weight(f"{name}.weight", out, x.shape[1], side, side, std=std)
        return F.conv2d(x, w, self.weight(f"{name}.bias", out) if bias else None, padding=side // 2)

    def attend(self, x, name, grid):
        b, n, d = x.shape
        q, k, v = self.linear(x, f"{name}.qkv", 3 * d).reshape(b, n, 3, self.c["heads"], -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        if self.c.get("decomposedPositions"):
            h, w = grid
            tall, wide = (self.weight(f"{name}.rel_pos_{s}", 2 * side - 1, q.shape[-1]) for s, side in zip("hw", grid))
            i, j = torch.arange(h), torch.arange(w)
            rows, columns = tall[i[:, None] - i[None] + h - 1], wide[j[:, None] - j[None] + w - 1]
            places = q.reshape(b, -1, h, w, q.shape[-1])
            more = torch.einsum("bnijc,ikc->bnijk", places, rows)[..., None] + torch.einsum("bnijc,jkc->bnijk", places, columns)[..., None, :]
            scores = scores + more.reshape(scores.shape)
        y = scores.softmax(-1) @ v
        return self.linear(y.transpose(1, 2).reshape(x.shape), f"{name}.proj", d)

    def attend_in_windows(self, x, name, side):
        """Window by window; those at the edges are filled up with zeros."""
        rows, columns = self.c["grid"]
        grid, out = x.reshape(x.shape[0], rows, columns, -1), torch.zeros(x.shape[0], rows, columns, x.shape[2], dtype=x.dtype)
        for r in range(0, rows, side):
            for c in range(0, columns, side):
                part = grid[:, r : r + side, c : c + side]
                h, w = part.shape[1:3]
                full = torch.zeros(x.shape[0], side, side, x.shape[2], dtype=x.dtype)
                full[:, :h, :w] = part
                y = self.attend(full.reshape(x.shape[0], side * side, -1), name, (side, side)).reshape(full.shape)
                out[:, r : r + side, c : c + side] = y[:, :h, :w]
        return out.reshape(x.shape)

    def encode(self, image, drop_path):
        c = self.c
        p, d = c["patch"], c["width"]
        x = F.conv2d(image, self.weight("patch_embed.proj.weight", d, 3, p, p, std=0.1), self.weight("patch_embed.proj.bias", d), stride=p)
        x = x.flatten(2).transpose(1, 2)
        first = 1 if c["classToken"] else 0
        if first:
            x = torch.cat([self.weight("cls_token", 1, 1, d).expand(x.shape[0], 1, d), x], 1)
        x = x + self.weight("pos_embed", 1, x.shape[1], d)
        windows = c.get("windows")
        for i in range(c["depth"]):
            b = f"blocks.{i}"
            kept = (lambda n: drop_path[:, i, n, None, None]) if drop_path is not None else (lambda n: 1)
            y = self.norm(x, f"{b}.norm1")
            inside = windows is not None and i not in windows["global"]
            y = self.attend_in_windows(y, f"{b}.attn", windows["side"]) if inside else self.attend(y, f"{b}.attn", c["grid"])
            x = x + kept(0) * y
            h = F.gelu(self.linear(self.norm(x, f"{b}.norm2"), f"{b}.mlp.fc1", c["mlpRatio"] * d))
            x = x + kept(1) * self.linear(h, f"{b}.mlp.fc2", d)
        return x[:, first:].transpose(1, 2).reshape(x.shape[0], d, *c["grid"])

    def twice(self, x, name, out):
        w, b = self.weight(f"{name}.weight", x.shape[1], out, 2, 2), self.weight(f"{name}.bias", out)
        return F.conv_transpose2d(x, w, b, stride=2)

    def pyramid(self, x):
        head, d, maps = self.c["head"], self.c["width"], []
        for i, scale in enumerate(head["scales"]):
            n = f"head.pyramid.{i}"
            if scale == 4:
                y = self.twice(F.gelu(self.norm_map(self.twice(x, f"{n}.up1", d // 2), f"{n}.norm")), f"{n}.up2", d // 4)
            else:
                y = {2: lambda: self.twice(x, f"{n}.up1", d // 2), 1: lambda: x, 0.5: lambda: F.max_pool2d(x, 2)}[scale]()
            y = self.norm_map(self.conv(y, f"{n}.lateral", head["channels"], 1), f"{n}.lateral.norm")
            maps.append(self.norm_map(self.conv(y, f"{n}.output", head["channels"], 3), f"{n}.output.norm"))
        return [*maps, F.max_pool2d(maps[-1], 1, 2)]

    def propose(self, maps):
        objectness, deltas = [], []
        for x in maps:
            for i in range(2):
                x = F.relu(self.conv(x, f"head.proposals.{i}", self.c["head"]["channels"], 3, bias=True))
            o = self.conv(x, "head.proposals.objectness", 3, 1, bias=True)
            d = self.conv(x, "head.proposals.deltas", 12, 1, bias=True)
            # As detectron2: (N, A, H, W) -> (N, H W A), (N, A * B, H, W) -> (N, H W A, B)
            objectness.append(o.permute(0, 2, 3, 1).flatten(1))
            deltas.append(d.view(d.shape[0], 3, 4, *d.shape[2:]).permute(0, 3, 4, 1, 2).flatten(1, 3))
        return torch.cat(objectness, 1), torch.cat(deltas, 1)

    def pool(self, maps, boxes, bins):
        """[n, C, bins, bins] of one image's boxes; maps [1, C, H, W]."""
        strides = [self.c["patch"] / s for s in self.c["head"]["scales"]]
        levels = LevelMapper(int(math.log2(strides[0])), int(math.log2(strides[-1])))([boxes])
        out = torch.zeros(len(boxes), maps[0].shape[1], bins, bins, dtype=torch.float64)
        for level, (x, stride) in enumerate(zip(maps, strides)):
            index = (levels == level).nonzero()[:, 0]
            rois = torch.cat([torch.zeros(len(index), 1, dtype=torch.float64), boxes[index]], 1)
            out = out.index_put((index,), roi_align(x, rois, bins, 1 / stride, 0, aligned=True))
        return out

    def tower(self, x, name):
        for i in range(self.c["head"]["convolutions"]):
            x = F.relu(self.norm_map(self.conv(x, f"head.{name}.{i}", self.c["head"]["channels"], 3), f"head.{name}.{i}.norm"))
        return x

    def box_head(self, x):
        """Rows of features channels last, as the weights are stored."""
        y = self.tower(x, "boxes").permute(0, 2, 3, 1).flatten(1)
        y = F.relu(self.linear(y, "head.boxes.hidden", self.c["head"]["hidden"], std=0.1))
        k = self.c["classes"]
        return self.linear(y, "head.boxes.classes", k + 1), self.linear(y, "head.boxes.deltas", 4 * k).reshape(-1, k, 4)

    def mask_head(self, x):
        y = F.relu(self.twice(self.tower(x, "masks"), "head.masks.up", self.c["head"]["channels"]))
        return self.conv(y, "head.masks.classes", self.c["classes"], 1, bias=True)


def losses_of(model, maps, objectness, deltas, lesson):
    """The mean over images of each loss."""
    c, names = model.c, ["objectnessLoss", "proposalLoss", "classLoss", "boxLoss"]
    names += ["maskLoss"] if c["head"]["masks"] else []
    sums = dict.fromkeys(names, 0)
    batch = len(objectness)
    for b in range(batch):
        labels = lesson["labels"][b]
        used, objects = labels > 0, labels == 2
        sums["objectnessLoss"] += F.binary_cross_entropy_with_logits(objectness[b][used], objects[used].double(), reduction="sum") / 256
        sums["proposalLoss"] += F.l1_loss(deltas[b][objects], lesson["anchor_deltas"][b][objects], reduction="sum") / 256
        real = lesson["classes"][b] >= 0
        boxes, classes, targets = lesson["boxes"][b][real], lesson["classes"][b][real], lesson["deltas"][b][real]
        own = [m[b : b + 1] for m in maps]
        logits, moved = model.box_head(model.pool(own, boxes, 7))
        sums["classLoss"] += F.cross_entropy(logits, classes)
        inside = (classes < c["classes"]).nonzero()[:, 0]
        sums["boxLoss"] += F.l1_loss(moved[inside, classes[inside]], targets[inside], reduction="sum") / len(classes)
        if c["head"]["masks"] and len(inside) > 0:
            masks = model.mask_head(model.pool(own, boxes[inside], 14))[torch.arange(len(inside)), classes[inside]]
            sums["maskLoss"] += F.binary_cross_entropy_with_logits(masks, lesson["masks"][b][: len(inside)].double())
    return {name: value / batch for name, value in sums.items()}


def random_boxes(rng, count, image):
    sides = np.exp(rng.uniform(math.log(5), math.log(230), (count, 2)))
    centres = rng.uniform(0, 1, (count, 2)) * np.array([image[1], image[0]])
    return np.concatenate([centres - sides / 2, centres + sides / 2], 1).astype(np.float32)


def case(key, rng, tensors, metadata, config, batch, rois, drop_path):
    image, k = config["image"], config["classes"]
    grid = [side // config["patch"] for side in image]
    model = Model({**config, "grid": grid}, rng)
    view = rng.integers(0, 256, (batch, 3, *image))
    x = (torch.from_numpy(view).double() / 255 - torch.tensor(MEAN)[:, None, None].double()) / torch.tensor(STD)[:, None, None].double()
    drops = rng.choice([0, 1.25], (batch, config["depth"], 2), p=[0.2, 0.8]).astype(np.float32) if drop_path else None
    anchors, masked = model.propose(model.pyramid(model.encode(x, None)))[0].shape[1], max(1, rois // 4)
    lesson = {
        "labels": rng.choice(3, (batch, anchors), p=[0.5, 0.35, 0.15]),
        "anchor_deltas": rng.normal(0, 1, (batch, anchors, 4)).astype(np.float32),
        "boxes": np.stack([random_boxes(rng, rois, image) for _ in range(batch)]),
        "classes": np.full((batch, rois), k),
        "deltas": rng.normal(0, 1, (batch, rois, 4)).astype(np.float32),
        "masks": rng.integers(0, 2, (batch, masked, 28, 28)),
    }
    for b in range(batch):  # boxes with an object first, none in the last image; places without a box last
        lesson["classes"][b, : 0 if b == batch - 1 else masked - b] = rng.integers(0, k, 0 if b == batch - 1 else masked - b)
        lesson["classes"][b, rois - b :] = -1
    asked = {name: torch.from_numpy(value).double() if value.dtype == np.float32 else torch.from_numpy(value) for name, value in lesson.items()}
    maps = model.pyramid(model.encode(x, torch.from_numpy(drops).double() if drop_path else None))
    objectness, deltas = model.propose(maps)
    losses = losses_of(model, maps, objectness, deltas, asked)
    loss = sum(losses.values())
    loss.backward()
    for name, w in model.w.items():
        grad = w.grad.numpy().copy()
        if name.endswith("qkv.bias"):
            grad[config["width"] : 2 * config["width"]] = 0
        tensors.update({f"{key}.start.{name}": w.detach().numpy(), f"{key}.grad.{name}": grad})
    tensors.update({
        f"{key}.view": view, f"{key}.anchors.labels": lesson["labels"], f"{key}.anchors.deltas": lesson["anchor_deltas"],
        f"{key}.rois.boxes": lesson["boxes"], f"{key}.rois.classes": lesson["classes"], f"{key}.rois.deltas": lesson["deltas"],
        f"{key}.masks.targets": lesson["masks"],
        f"{key}.objectness": objectness.detach().numpy(), f"{key}.deltas": deltas.detach().numpy(),
        **({f"{key}.dropPath": drops} if drop_path else {}),
    })
    metadata[key] = json.dumps({
        "config": {**config, "channels": 3, "positions": "learned"}, "batch": batch, "rois": rois, "mean": MEAN, "std": STD,
        "losses": {"loss": loss.item(), **{name: value.item() for name, value in losses.items()}},
    })


def main():
    rng, tensors, metadata = np.random.default_rng(41), {}, {}
    stack = {"width": 8, "heads": 2, "mlpRatio": 2}
    case("vitdet", rng, tensors, metadata, {
        **stack, "image": [32, 40], "patch": 8, "depth": 3, "classToken": False, "windows": {"side": 3, "global": [1]}, "classes": 3,
        "decomposedPositions": True,
        "head": {"channels": 5, "scales": [4, 2, 1, 0.5], "convolutions": 2, "hidden": 6, "masks": True},
    }, batch=2, rois=12, drop_path=True)
    case("boxes", rng, tensors, metadata, {
        **stack, "image": [20, 28], "patch": 4, "depth": 2, "classToken": True, "classes": 1,
        "head": {"channels": 5, "scales": [2, 1, 0.5], "convolutions": 1, "hidden": 7, "masks": False},
    }, batch=2, rois=9, drop_path=False)
    safetensors_io.save(OUT, {k: np.asarray(v) for k, v in tensors.items()}, metadata)


if __name__ == "__main__":
    main()
