"""Small BEiTs of Hugging Face with random weights, and what `transformers` computes with them: tests/fixtures/beit.

    python tests/oracle/make_beit_fixtures.py

Needs PyTorch 2, transformers and safetensors (written with torch 2.15, transformers 5.24).
"""

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BeitConfig, BeitForImageClassification, BeitForSemanticSegmentation, BeitImageProcessor

HERE = Path(__file__).resolve().parent.parent / "fixtures" / "beit"
COMMON = {
    "hidden_size": 4,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "image_size": 16,
    "patch_size": 4,
    "layer_norm_eps": 1e-6,
}
CASES = {
    # As published: relative positions alone, an auxiliary head.
    "segmentation": (
        BeitForSemanticSegmentation,
        {
            "num_hidden_layers": 5,
            "out_indices": [2, 3, 4, 5],
            "use_relative_position_bias": True,
            "layer_scale_init_value": 0.1,
            "auxiliary_channels": 4,
            "id2label": {0: "sky", 1: "sea", 2: "sand"},
        },
    ),
    # The other options: positions, no layer scale, no auxiliary head, other pools.
    "segmentation-plain": (
        BeitForSemanticSegmentation,
        {
            "num_hidden_layers": 5,
            "out_indices": [2, 3, 4, 5],
            "use_absolute_position_embeddings": True,
            "layer_scale_init_value": 0.0,
            "use_auxiliary_head": False,
            "pool_scales": [1, 2],
            "num_labels": 2,
        },
    ),
    "classification": (
        BeitForImageClassification,
        {"use_relative_position_bias": True, "layer_scale_init_value": 0.5, "num_labels": 3},
    ),
    "shared": (
        BeitForImageClassification,
        {"use_shared_relative_position_bias": True, "num_labels": 3},
    ),
}


def randomise(model):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(torch.randn_like(weight) * 0.3 + (1 if "norm" in name and name.endswith("weight") else 0))
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.copy_(torch.randn_like(value) * 0.3)
            if name.endswith("running_var"):
                value.copy_(torch.rand_like(value) + 0.5)
    return model.eval()


def main():
    torch.manual_seed(5)
    shutil.rmtree(HERE, ignore_errors=True)
    processor = BeitImageProcessor(
        size={"height": 16, "width": 16}, do_center_crop=False, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4]
    )
    images = torch.randn(2, 3, 16, 16)
    expected = {"image": images}
    for name, (kind, settings) in CASES.items():
        model = randomise(kind(BeitConfig(**{**COMMON, **settings})))
        model.save_pretrained(HERE / name)
        processor.save_pretrained(HERE / name)
        with torch.no_grad():
            expected[name] = model(images).logits.contiguous()
    save_file(expected, HERE / "expected.safetensors")


if __name__ == "__main__":
    main()
