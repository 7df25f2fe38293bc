"""Tokens and attention of the models in tests/fixtures/weights and tests/fixtures/beit by timm and transformers, and principal
components by NumPy: tests/fixtures/tokens.safetensors. Everything is computed in float64.

Needs PyTorch 2, timm and transformers (written with torch 2.15, timm 1.0.31, transformers 5.23).

    python tests/oracle/make_tokens_fixture.py
"""

from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from transformers import BeitForImageClassification, ViTForImageClassification

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]
RNG = np.random.default_rng(19)
OUT = {}


def put(name, values):
    OUT[name] = torch.as_tensor(values).detach().to(torch.float32).contiguous()


def views(name, size):
    """Two images of bytes, kept, and normalised as the test does."""
    bytes_ = torch.from_numpy(RNG.integers(0, 256, (2, 3, *size), dtype=np.uint8))
    OUT[f"{name}.view"] = bytes_.to(torch.int32)
    mean, std = (torch.tensor(values, dtype=torch.float64).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    return (bytes_.double() / 255 - mean) / std


def timm_model(name, **options):
    model = timm.create_model(
        "vit_tiny_patch16_224", img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2, num_classes=4, **options
    )
    model.load_state_dict(load_file(FIXTURES / "weights" / f"{name}.safetensors"))
    model = model.double().eval()
    seen = []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda _, inputs, output: seen.append(output))
    tokens = model.forward_features(views(name, (16, 16)))
    put(f"{name}.patches", tokens[:, model.num_prefix_tokens :])
    for i, attention in enumerate(seen):
        put(f"{name}.attention.{i}", attention)


def hugging_face(name, folder, kind, part, size):
    model = kind.from_pretrained(FIXTURES / folder, attn_implementation="eager").double().eval()
    inner = getattr(model, part)
    found = inner(views(name, size), output_attentions=True)
    tokens = found.last_hidden_state
    put(f"{name}.patches", tokens[:, 1:])
    for i, attention in enumerate(found.attentions):
        put(f"{name}.attention.{i}", attention)


def components():
    mixing = RNG.normal(size=(9, 9)) * (0.5 ** np.arange(9))[:, None]
    rows = (RNG.normal(size=(60, 9)) @ mixing + RNG.normal(size=9)).astype(np.float32)
    wide = rows.astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(wide, rowvar=False))
    order = np.argsort(-values)[:3]
    put("components.rows", rows)
    put("components.directions", vectors[:, order].T.copy())
    put("components.variances", values[order])
    put("components.total", [values.sum()])
    put("components.places", (wide - wide.mean(0)) @ vectors[:, order])


if __name__ == "__main__":
    timm_model("timm-token")
    timm_model("timm-mean", class_token=False, global_pool="avg")
    timm_model("timm-unplaced-token", no_embed_class=True, qkv_bias=False)
    hugging_face("hf-vit", "weights/hf-vit", ViTForImageClassification, "vit", (32, 32))
    hugging_face("beit", "beit/classification", BeitForImageClassification, "beit", (16, 16))
    components()
    save_file(OUT, FIXTURES / "tokens.safetensors")
    print({name: list(value.shape) for name, value in OUT.items()})
