"""Models of timm and Hugging Face with random weights, and what those packages compute with them.

Needs PyTorch 2, timm and transformers (written with torch 2.15, timm 1.0.31, transformers 5.23).
Writes tests/fixtures/weights; everything is computed in float64 from the stored float32 values.

    python tests/oracle/make_weights_fixtures.py
"""

import argparse
import json
import shutil
from functools import partial
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file, save_file
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor, ViTMAEConfig, ViTMAEForPreTraining

HERE = Path(__file__).resolve().parent.parent / "fixtures" / "weights"
EXPECTED = {}
SIZES = dict(
    hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48, image_size=32, patch_size=8
)


def randomise(model, small=()):
    """Every weight matters: none is left at 0 or 1. Tokens are `small`, so that the norms' epsilon matters too."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            scale = 2e-3 if any(part in name for part in small) else 0.3
            weight.copy_(torch.randn_like(weight) * scale + (1 if "norm" in name and name.endswith("weight") else 0))
    return model


def expect(name, **values):
    for key, value in values.items():
        EXPECTED[f"{name}.{key}"] = value.detach().to(torch.float32).contiguous()


def double(model):
    return model.double().eval()


def hugging_face_mae():
    small = ("embeddings",)
    decoder = dict(
        decoder_hidden_size=16, decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=32
    )
    config = ViTMAEConfig(**SIZES, **decoder, norm_pix_loss=True, mask_ratio=0.75)
    model = randomise(ViTMAEForPreTraining(config), small)
    folder = HERE / "hf-mae"
    model.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4]).save_pretrained(
        folder
    )
    image = torch.randn(2, 3, 32, 32)
    noise = torch.rand(2, 16)
    order = noise.argsort(1)
    EXPECTED["hf-mae.image"], EXPECTED["hf-mae.order"] = image, order.to(torch.int32)
    model = double(model)
    for name, normalised in [("loss", True), ("loss_of_pixels", False)]:
        model.config.norm_pix_loss = normalised
        output = model(image.double(), noise=noise.double())
        expect("hf-mae", **{name: output.loss.reshape(1)})
    expect("hf-mae", prediction=output.logits)
    model.config.norm_pix_loss = True
    for part in model.modules():
        if isinstance(part, torch.nn.LayerNorm):
            part.eps = 1e-6  # as in facebookresearch/mae
    expect("mae", loss=model(image.double(), noise=noise.double()).loss.reshape(1))
    return load_file(folder / "model.safetensors")


def facebook_names(weights):
    """The same model as facebookresearch/mae names it: queries, keys and values in one tensor."""

    def layer(prefix, theirs):
        get = lambda part, kind: weights[f"{theirs}.{part}.{kind}"]
        out = {}
        for kind in ("weight", "bias"):
            parts = [get(f"attention.attention.{part}", kind) for part in ("query", "key", "value")]
            out[f"{prefix}.attn.qkv.{kind}"] = torch.cat(parts)
            out[f"{prefix}.attn.proj.{kind}"] = get("attention.output.dense", kind)
            out[f"{prefix}.norm1.{kind}"] = get("layernorm_before", kind)
            out[f"{prefix}.norm2.{kind}"] = get("layernorm_after", kind)
            out[f"{prefix}.mlp.fc1.{kind}"] = get("intermediate.dense", kind)
            out[f"{prefix}.mlp.fc2.{kind}"] = get("output.dense", kind)
        return out

    out = {
        "cls_token": weights["vit.embeddings.cls_token"],
        "pos_embed": weights["vit.embeddings.position_embeddings"],
        "mask_token": weights["decoder.mask_token"],
        "decoder_pos_embed": weights["decoder.decoder_pos_embed"],
    }
    for kind in ("weight", "bias"):
        out[f"patch_embed.proj.{kind}"] = weights[f"vit.embeddings.patch_embeddings.projection.{kind}"]
        out[f"norm.{kind}"] = weights[f"vit.layernorm.{kind}"]
        for part in ("decoder_embed", "decoder_norm", "decoder_pred"):
            out[f"{part}.{kind}"] = weights[f"decoder.{part}.{kind}"]
    for i in range(2):
        out |= layer(f"blocks.{i}", f"vit.encoder.layer.{i}")
    return out | layer("decoder_blocks.0", "decoder.decoder_encoder.layer.0")


def hugging_face_classifier():
    config = ViTConfig(**SIZES, id2label={0: "cat", 1: "dog", 2: "eel"}, label2id={"cat": 0, "dog": 1, "eel": 2})
    model = randomise(ViTForImageClassification(config), ("embeddings",))
    model.save_pretrained(HERE / "hf-vit")
    image = torch.randn(2, 3, 32, 32)
    EXPECTED["hf-vit.image"] = image
    expect("hf-vit", logits=double(model)(image.double()).logits)


def timm_models():
    make = partial(
        timm.create_model, "vit_tiny_patch16_224", img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2, num_classes=4
    )
    variants = {
        "timm-token": {},
        "timm-mean": dict(class_token=False, global_pool="avg"),
        "timm-mean-of-normed": dict(global_pool="avg", fc_norm=False),
        "timm-unplaced-token": dict(no_embed_class=True, qkv_bias=False),
    }
    image = torch.randn(2, 3, 16, 16)
    EXPECTED["timm.image"] = image
    for name, options in variants.items():
        model = randomise(make(**options))
        weights = {key: value.contiguous() for key, value in model.state_dict().items()}
        if name == "timm-mean-of-normed":
            (HERE / name).mkdir()
            save_file(weights, HERE / name / "model.safetensors")
            args = dict(img_size=16, patch_size=8, embed_dim=16, depth=1, num_heads=2, **options)
            cfg = dict(input_size=[3, 16, 16], mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5], crop_pct=0.9)
            config = dict(architecture="vit_tiny_patch16_224", global_pool="avg", model_args=args, pretrained_cfg=cfg)
            (HERE / name / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        else:
            save_file(weights, HERE / f"{name}.safetensors")
        expect(name, logits=double(model)(image.double()))


def pytorch_files(mae):
    args = argparse.Namespace(norm_pix_loss=True, input_size=32, model="mae_vit", lr=1e-3, resume="", device=torch.device("cpu"))
    optimizer = {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"betas": (0.9, 0.95), "params": [0]}]}
    torch.save({"model": mae, "optimizer": optimizer, "epoch": 3, "scaler": {"scale": 65536.0}, "args": args}, HERE / "mae.pth")
    base = torch.randn(5, 6, 4)
    views = {
        "whole": base,
        "transposed": base.permute(2, 0, 1),
        "strided": base[1:4:2, ::3, 1:],
        "offset": base[3],
        "repeated": base[0, :1, :1].expand(3, 4),
        "scalar": base[2, 2, 2],
        "empty": base[:0],
        "parameter": torch.nn.Parameter(base[0].clone()),
        "half": base.half(),
        "bfloat16": base.bfloat16().mT,
        "double": base.double(),
        "integers": torch.arange(-3, 9).reshape(3, 4).T,
    }
    torch.save(views, HERE / "views.pth")
    torch.save({"state_dict": torch.nn.Linear(3, 2).half().state_dict()}, HERE / "wrapped.pth", pickle_protocol=5)
    torch.save(views, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 2), HERE / "module.pth")
    for name, value in views.items():
        EXPECTED[f"views.{name}"] = value.detach().to(torch.float32).contiguous().clone()


def main():
    torch.manual_seed(20220328)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir(parents=True)
    mae = hugging_face_mae()
    hugging_face_classifier()
    timm_models()
    pytorch_files(facebook_names(mae))
    save_file(EXPECTED, HERE / "expected.safetensors")


if __name__ == "__main__":
    main()
