"""Writes tests/fixtures/finetune.safetensors: what timm and PyTorch make of fine-tuning, in small.

    python3 tests/oracle/make_finetune_fixture.py

Needs timm >= 1.0.29 (written with 1.0.31), PyTorch >= 2 and NumPy; seconds on one core. Computed in float64 from float32 numbers.

- <model>.start.*, .view (bytes), .targets, .drop_path [steps, B, depth, 2]: a tiny timm ViT and three steps of its fine-tuning,
  AdamW with layer-wise learning rate decay, drop path by given scales and an average of the weights;
  .logits (of the start, without drop path), .after.*, .ema.*; metadata <model>: config, losses, lr, lr_scale by name
- mix.<case>.x, .images, .targets: timm's Mixup; metadata mix: each image's drawn lambda, box centre, box and final lambda
- positions.<i>: resample_abs_pos_embed; metadata positions: grids
- accuracy.logits, .labels: metadata accuracy: top-1, top-5 and cross-entropy
"""

import json
import os
import sys

import numpy as np
import timm.data.mixup
import torch
from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from timm.optim import param_groups_layer_decay
from timm.utils import ModelEmaV2
from torch import nn

sys.path.insert(0, os.path.dirname(__file__))
import safetensors_io  # noqa: E402

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "finetune.safetensors")
WIDTH, DEPTH, HEADS, CLASSES, BATCH, IMAGE, PATCH = 12, 3, 3, 5, 4, [16, 24], 8
DECAY, LAYER_DECAY, EMA = 0.05, 0.65, 0.9
MEAN, STD = 0.5, 0.25
LRS = [0.002, 0.004, 0.003]


def normal(rng, *shape, std=1.0):
    return rng.normal(0, std, shape).astype(np.float32)


class Scaled(nn.Module):
    """Drop path whose draws are given."""

    scale = None

    def forward(self, x):
        return x if self.scale is None else x * self.scale[:, None, None]


def make_model(rng, class_token, pool, fc_norm):
    model = VisionTransformer(
        img_size=IMAGE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=2, num_classes=CLASSES,
        class_token=class_token, global_pool=pool, fc_norm=fc_norm, norm_layer=lambda d, **_: nn.LayerNorm(d, eps=1e-6),
    ).double()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.from_numpy(normal(rng, *p.shape, std=0.3) + (1 if "norm" in name and "weight" in name else 0)))
            if name.endswith("qkv.bias"):
                p[WIDTH : 2 * WIDTH] = 0  # the key bias is fixed
    for block in model.blocks:
        block.drop_path1, block.drop_path2 = Scaled(), Scaled()
    return model


def train(key, rng, tensors, metadata, class_token, pool, fc_norm):
    model = make_model(rng, class_token, pool, fc_norm)
    for name, p in model.named_parameters():
        tensors[f"{key}.start.{name}"] = p.detach().numpy().copy()
    no_decay = {"pos_embed", "cls_token"}
    groups = param_groups_layer_decay(model, DECAY, no_weight_decay_list=no_decay, layer_decay=LAYER_DECAY)
    names = {id(p): name for name, p in model.named_parameters()}
    # timm counts an encoder's last norm with its last block, MAE (util/lr_decay.py) with the head: MAE's way is taken.
    last = [p for p in model.norm.parameters()]
    for group in groups:
        group["params"] = [p for p in group["params"] if not any(p is q for q in last)]
    groups = [group for group in groups if group["params"]]
    if last:
        groups.append({"params": last, "lr_scale": 1.0, "weight_decay": 0.0})
    scales = {names[id(p)]: group["lr_scale"] for group in groups for p in group["params"]}
    decays = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8)
    ema = ModelEmaV2(model, decay=EMA)
    views = rng.integers(0, 256, (len(LRS), BATCH, 3, *IMAGE))
    inputs = (torch.from_numpy(views).double() / 255 - MEAN) / STD
    targets = rng.dirichlet(np.ones(CLASSES), (len(LRS), BATCH)).astype(np.float32)
    paths = (rng.random((len(LRS), BATCH, DEPTH, 2)) < 0.7).astype(np.float32) / np.float32(0.7)
    tensors.update({f"{key}.view": views, f"{key}.targets": targets, f"{key}.drop_path": paths})
    model.eval()
    tensors[f"{key}.logits"] = model(inputs[0]).detach().numpy()
    model.train()
    losses = []
    for step, lr in enumerate(LRS):
        for group in optimizer.param_groups:
            group["lr"] = lr * group["lr_scale"]
        for i, block in enumerate(model.blocks):
            block.drop_path1.scale = torch.from_numpy(paths[step, :, i, 0]).double()
            block.drop_path2.scale = torch.from_numpy(paths[step, :, i, 1]).double()
        logits = model(inputs[step])
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(targets[step]).double())
        optimizer.zero_grad()
        loss.backward()
        for block in model.blocks:
            block.attn.qkv.bias.grad[WIDTH : 2 * WIDTH] = 0  # zero but for rounding, which Adam would blow up
        optimizer.step()
        ema.update(model)
        losses.append(loss.item())
    for name, p in model.named_parameters():
        tensors[f"{key}.after.{name}"] = p.detach().numpy()
    for name, p in ema.module.named_parameters():
        tensors[f"{key}.ema.{name}"] = p.detach().numpy()
    config = {
        "image": IMAGE, "patch": PATCH, "channels": 3, "width": WIDTH, "depth": DEPTH, "heads": HEADS, "mlpRatio": 2,
        "classToken": class_token, "positions": "learned", "classes": CLASSES,
        "pooling": "mean" if pool == "avg" else "token", "fcNorm": fc_norm,
    }
    metadata[key] = json.dumps(
        {"config": config, "losses": losses, "lr": LRS, "lrScale": scales, "weightDecay": decays, "mean": MEAN, "std": STD, "layerDecay": LAYER_DECAY, "ema": EMA}
    )


def mix(rng, tensors, metadata):
    """Every call of timm's random functions that matters is written down."""
    described = {}
    for case, (mode, mixup, cutmix) in {
        "batch-mixup": ("batch", 0.8, 0.0), "batch-cutmix": ("batch", 0.0, 1.0), "element": ("elem", 0.8, 1.0),
    }.items():
        x, labels = normal(rng, 6, 3, 8, 12), rng.integers(0, CLASSES, 6)
        records, drawn, centre = [], [], []
        bbox, randint = timm.data.mixup.cutmix_bbox_and_lam, np.random.randint

        def record_randint(low, high=None, size=None):
            value = randint(low, high, size)
            centre.append(int(value))
            return value

        def record_box(shape, lam, **kwargs):
            centre.clear()
            box, corrected = bbox(shape, lam, **kwargs)
            records.append({"drawn": float(lam), "centre": list(centre), "box": [int(v) for v in box], "own": float(corrected)})
            return box, corrected

        mixer = timm.data.mixup.Mixup(mixup, cutmix, mode=mode, label_smoothing=0.1, num_classes=CLASSES)
        per_elem, per_batch = mixer._params_per_elem, mixer._params_per_batch
        mixer._params_per_elem = lambda n: (drawn.append(per_elem(n)), drawn[-1])[1]
        mixer._params_per_batch = lambda: (drawn.append(per_batch()), drawn[-1])[1]
        timm.data.mixup.cutmix_bbox_and_lam, np.random.randint = record_box, record_randint
        np.random.seed(5)
        try:
            images, targets = mixer(torch.from_numpy(x).double(), torch.from_numpy(labels))
        finally:
            timm.data.mixup.cutmix_bbox_and_lam, np.random.randint = bbox, randint
        lam, cut = drawn[0]
        lam, cut = (np.broadcast_to(v, 6) for v in (lam, cut))
        # Mixup writes the corrected share over the drawn one; the boxes tell which was drawn.
        boxes = iter(records)
        shared = records[0] if mode == "batch" and records else None
        described[case] = [
            (shared or next(boxes)) if cut[i] else {"own": float(lam[i])} for i in range(6)
        ]
        tensors.update({f"mix.{case}.x": x, f"mix.{case}.labels": labels, f"mix.{case}.images": images, f"mix.{case}.targets": targets})
    metadata["mix"] = json.dumps({"smoothing": 0.1, "classes": CLASSES, "cases": described})


def positions(rng, tensors, metadata):
    grids = [[[3, 4], [5, 7]], [[6, 8], [3, 5]], [[4, 4], [8, 2]], [[5, 5], [5, 5]]]
    for i, (old, new) in enumerate(grids):
        table = normal(rng, 1, 1 + old[0] * old[1], 6)
        out = resample_abs_pos_embed(torch.from_numpy(table).double(), new, old, num_prefix_tokens=1)
        tensors.update({f"positions.{i}.table": table, f"positions.{i}.out": out})
    metadata["positions"] = json.dumps(grids)


def accuracy(rng, tensors, metadata):
    logits, labels = normal(rng, 40, 9, std=3), rng.integers(0, 9, 40)
    x, y = torch.from_numpy(logits).double(), torch.from_numpy(labels)
    top = x.topk(5).indices == y[:, None]
    tensors.update({"accuracy.logits": logits, "accuracy.labels": labels})
    metadata["accuracy"] = json.dumps({
        "top1": top[:, 0].double().mean().item(), "top5": top.any(1).double().mean().item(),
        "loss": nn.functional.cross_entropy(x, y).item(),
    })


def main():
    rng, tensors, metadata = np.random.default_rng(17), {}, {}
    train("mean", rng, tensors, metadata, class_token=False, pool="avg", fc_norm=True)
    train("mean-token", rng, tensors, metadata, class_token=True, pool="avg", fc_norm=True)
    train("token", rng, tensors, metadata, class_token=True, pool="token", fc_norm=False)
    mix(rng, tensors, metadata)
    positions(rng, tensors, metadata)
    accuracy(rng, tensors, metadata)
    tensors = {k: np.asarray(v.detach() if isinstance(v, torch.Tensor) else v) for k, v in tensors.items()}
    safetensors_io.save(OUT, tensors, metadata)


if __name__ == "__main__":
    main()
