"""Writes tests/fixtures/segmenter.safetensors: loss, gradients and statistics of segmenters by plain PyTorch.

    python3 tests/oracle/make_segmenter_fixture.py

Needs PyTorch >= 1.13 and NumPy. Computed in float64 from float32 numbers; written with PyTorch's own layers (conv2d, conv_transpose2d,
max_pool2d, adaptive_avg_pool2d, interpolate, batch_norm, cross_entropy), from mmsegmentation's description of UperNet for BEiT.

- <case>.start.*: all weights; .image, .labels; .grad.*, .stats.* (kept statistics after the step), .logits (with kept statistics);
  metadata <case>: config, loss, losses over labelled pixels alone
"""

import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(__file__))
import safetensors_io  # noqa: E402

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "segmenter.safetensors")


class Model:
    def __init__(self, config, rng):
        self.c, self.rng, self.w, self.buffers = config, rng, {}, {}

    def weight(self, name, *shape, std=0.3, mean=0.0):
        if name not in self.w:
            value = (self.rng.normal(mean, std, shape)).astype(np.float32)
            if name.endswith("qkv.bias"):
                width = self.c["width"]
                value[width : 2 * width] = 0
            self.w[name] = torch.from_numpy(value).double().requires_grad_()
        return self.w[name]

    def norm(self, x, name):
        d = x.shape[-1]
        return F.layer_norm(x, [d], self.weight(f"{name}.weight", d, mean=1), self.weight(f"{name}.bias", d), 1e-6)

    def linear(self, x, name, out):
        return F.linear(x, self.weight(f"{name}.weight", out, x.shape[-1]), self.weight(f"{name}.bias", out))

    def bias(self, name):
        """Index by index, as BEiT's relative_position_index."""
        rows, columns = self.c["grid"]
        count, token = (2 * rows - 1) * (2 * columns - 1), self.c["classToken"]
        table = self.weight(f"{name}.relative_position_bias_table", count + (3 if token else 0), self.c["heads"])
        n, first = rows * columns, 1 if token else 0
        index = torch.zeros(n + first, n + first, dtype=torch.long)
        for i in range(n):
            for j in range(n):
                index[first + i, first + j] = (i // columns - j // columns + rows - 1) * (2 * columns - 1) + i % columns - j % columns + columns - 1
        if token:
            index[0, 0:], index[0:, 0], index[0, 0] = count, count + 1, count + 2
        return table[index].permute(2, 0, 1)

    def encode(self, image):
        c = self.c
        p, d = c["patch"], c["width"]
        x = F.conv2d(image, self.weight("patch_embed.proj.weight", d, 3, p, p, std=0.1), self.weight("patch_embed.proj.bias", d), stride=p)
        x = x.flatten(2).transpose(1, 2)
        count = x.shape[1] + (1 if c["classToken"] else 0)
        if c["classToken"]:
            x = torch.cat([self.weight("cls_token", 1, 1, d).expand(x.shape[0], 1, d), x], 1)
        x = x + self.weight("pos_embed", 1, count, d)
        layers = []
        for i in range(c["depth"]):
            b = f"blocks.{i}"
            q, k, v = self.linear(self.norm(x, f"{b}.norm1"), f"{b}.attn.qkv", 3 * d).reshape(*x.shape[:2], 3, c["heads"], -1).permute(2, 0, 3, 1, 4)
            scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
            if c.get("relativePositions"):
                scores = scores + self.bias(f"{b}.attn")
            y = self.linear((scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape), f"{b}.attn.proj", d)
            scale = lambda n: self.weight(f"{b}.gamma_{n}", d, mean=0.7) if "layerScale" in c else 1
            x = x + scale(1) * y
            h = F.gelu(self.linear(self.norm(x, f"{b}.norm2"), f"{b}.mlp.fc1", c["mlpRatio"] * d))
            x = x + scale(2) * self.linear(h, f"{b}.mlp.fc2", d)
            layers.append(x)
        return layers

    def map(self, tokens):
        first = 1 if self.c["classToken"] else 0
        return tokens[:, first:].transpose(1, 2).reshape(tokens.shape[0], -1, *self.c["grid"])

    def bn(self, x, name, training):
        channels = x.shape[1]
        w, b = self.weight(f"{name}.weight", channels, mean=1), self.weight(f"{name}.bias", channels)
        if name not in self.buffers:
            mean, var = self.rng.normal(0, 0.3, channels).astype(np.float32), self.rng.uniform(0.5, 2, channels).astype(np.float32)
            self.buffers[name] = [torch.from_numpy(mean).double(), torch.from_numpy(var).double()]
        mean, var = self.buffers[name]
        return F.batch_norm(x, mean, var, w, b, training, 0.1, 1e-5)

    def unit(self, x, name, out, side, training):
        w = self.weight(f"{name}.conv.weight", out, x.shape[1], side, side)
        return F.relu(self.bn(F.conv2d(x, w, padding=side // 2), f"{name}.bn", training))

    def classify(self, x, name):
        k = self.c["classes"]
        return F.conv2d(x, self.weight(f"{name}.weight", k, x.shape[1], 1, 1), self.weight(f"{name}.bias", k))

    def twice(self, x, name):
        d = x.shape[1]
        return F.conv_transpose2d(x, self.weight(f"{name}.weight", d, d, 2, 2), self.weight(f"{name}.bias", d), stride=2)

    def neck(self, x, name, scale, training):
        if scale == 4:
            return self.twice(F.gelu(self.bn(self.twice(x, f"{name}.up1"), f"{name}.bn", training)), f"{name}.up2")
        return {2: lambda: self.twice(x, f"{name}.up1"), 1: lambda: x, 0.5: lambda: F.max_pool2d(x, 2)}[scale]()

    def forward(self, image, training):
        c, layers = self.c, self.encode(image)
        head = c["head"]
        if head["kind"] == "linear":
            tokens = self.norm(layers[-1], "norm")
            w, b = self.weight("head.classes.weight", c["classes"], c["width"]), self.weight("head.classes.bias", c["classes"])
            return self.map(F.linear(tokens, w, b)), None
        channels, resize = head["channels"], lambda x, like: F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)
        scales = head.get("scales", [4, 2, 1, 0.5])
        levels = [self.neck(self.map(layers[t]), f"head.neck.{i}", scales[i], training) for i, t in enumerate(head["taps"])]
        top = levels[-1]
        pooled = [resize(self.unit(F.adaptive_avg_pool2d(top, n), f"head.psp.{i}", channels, 1, training), top) for i, n in enumerate(head["pools"])]
        maps = [self.unit(x, f"head.lateral.{i}", channels, 1, training) for i, x in enumerate(levels[:-1])]
        maps.append(self.unit(torch.cat([top, *pooled], 1), "head.bottleneck", channels, 3, training))
        for i in range(len(maps) - 1, 0, -1):
            maps[i - 1] = maps[i - 1] + resize(maps[i], maps[i - 1])
        maps = [self.unit(x, f"head.fpn.{i}", channels, 3, training) if i < len(maps) - 1 else x for i, x in enumerate(maps)]
        fused = self.unit(torch.cat([resize(x, maps[0]) for x in maps], 1), "head.fuse", channels, 3, training)
        logits, auxiliary = self.classify(fused, "head.classes"), None
        if "auxiliary" in head:
            second = self.unit(levels[scales.index(1)], "head.auxiliary", head["auxiliary"], 3, training)
            auxiliary = self.classify(second, "head.auxiliary.classes")
        return logits, auxiliary


def cost(logits, labels, mean):
    full = F.interpolate(logits, labels.shape[1:], mode="bilinear", align_corners=False)
    losses = F.cross_entropy(full, labels, ignore_index=255, reduction="none")
    return losses.mean() if mean == "all" else losses.sum() / max(1, (labels != 255).sum().item())


def case(key, rng, tensors, metadata, image, config):
    grid = [side // config["patch"] for side in image]
    model = Model({**config, "grid": grid}, rng)
    x = rng.normal(0, 1, (2, 3, *image)).astype(np.float32)
    labels = rng.integers(0, config["classes"] + 1, (2, *image))
    labels[labels == config["classes"]] = 255
    x64, y = torch.from_numpy(x).double(), torch.from_numpy(labels)
    with torch.no_grad():
        model.forward(x64, True)  # makes all weights
    for name in list(model.buffers):
        channels = model.buffers[name][0].shape[0]
        mean, var = rng.normal(0, 0.3, channels).astype(np.float32), rng.uniform(0.5, 2, channels).astype(np.float32)
        model.buffers[name] = [torch.from_numpy(mean).double(), torch.from_numpy(var).double()]
        tensors.update({f"{key}.start.{name}.running_mean": mean.copy(), f"{key}.start.{name}.running_var": var.copy()})
    logits, _ = model.forward(x64, False)
    logits_kept = logits.permute(0, 2, 3, 1)
    logits, auxiliary = model.forward(x64, True)
    total = lambda mean: cost(logits, y, mean) + (0.4 * cost(auxiliary, y, mean) if auxiliary is not None else 0)
    loss = total("all")
    loss.backward()
    for name, w in model.w.items():
        grad = w.grad.numpy().copy()
        if name.endswith("qkv.bias"):
            grad[config["width"] : 2 * config["width"]] = 0
        tensors.update({f"{key}.start.{name}": w.detach().numpy(), f"{key}.grad.{name}": grad})
    for name, (mean, var) in model.buffers.items():
        tensors.update({f"{key}.stats.{name}.running_mean": mean.numpy(), f"{key}.stats.{name}.running_var": var.numpy()})
    tensors.update({f"{key}.image": x, f"{key}.labels": labels, f"{key}.logits": logits_kept.detach().numpy()})
    metadata[key] = json.dumps({"config": {**config, "image": image, "channels": 3, "positions": "learned"}, "loss": loss.item(), "labelled": total("labelled").item()})


def main():
    rng, tensors, metadata = np.random.default_rng(37), {}, {}
    stack = {"patch": 4, "width": 8, "heads": 2, "mlpRatio": 2, "classes": 4}
    case("linear", rng, tensors, metadata, [16, 24], {**stack, "depth": 2, "classToken": True, "head": {"kind": "linear"}})
    case("upernet", rng, tensors, metadata, [16, 24], {
        **stack, "depth": 4, "classToken": False,
        "head": {"kind": "upernet", "channels": 6, "taps": [0, 1, 2, 3], "pools": [1, 2, 3], "auxiliary": 5},
    })
    case("beit", rng, tensors, metadata, [12, 20], {
        **stack, "depth": 3, "classToken": True, "relativePositions": True, "layerScale": 0.5,
        "head": {"kind": "upernet", "channels": 5, "taps": [0, 1, 2], "scales": [2, 1, 0.5], "pools": [1, 2], "auxiliary": 4},
    })
    safetensors_io.save(OUT, {k: np.asarray(v) for k, v in tensors.items()}, metadata)


if __name__ == "__main__":
    main()
