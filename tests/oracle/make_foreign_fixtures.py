"""Small files of other projects, and what those projects compute with them: tests/fixtures/foreign.

Needs PyTorch 2, timm, transformers, Pillow, h5py and onnx (written with torch 2.15, timm 1.0.31, transformers 5.24, Pillow 13,
h5py 3.16, onnx 1.23). The encoder of the paper's code is written here from reading sunsmarterjie/beyond_masking.

    python tests/oracle/make_foreign_fixtures.py
"""

import argparse
import bz2
import collections
import gzip
import io
import json
import lzma
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
import timm
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from timm.data import create_transform, resolve_data_config
from transformers import (
    AutoImageProcessor,
    ViTConfig,
    ViTForImageClassification,
    ViTForMaskedImageModeling,
)

HERE = Path(__file__).resolve().parent.parent / "fixtures" / "foreign"
EXPECTED = {}


def expect(name, value):
    EXPECTED[name] = value.detach().to(torch.float32).contiguous().clone()


def randomise(model):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(torch.randn_like(weight) * 0.3 + (1 if "norm" in name and name.endswith("weight") else 0))
    return model.eval()


# The paper's code: five folders of the same names, but for a class token that is declared and a grey input.

WIDTH, PATCH, IMAGE, HEADS = 8, 4, 16, 2
FOLDERS = {
    "blurred": {},
    "decolorized": {"channels": 1},
    "distorted": {},
    "zoomed-in": {"token": True},
    "zoomed-out": {},
}


def block_state(prefix):
    shapes = {
        "norm1.weight": [WIDTH],
        "norm1.bias": [WIDTH],
        "attn.q_bias": [WIDTH],
        "attn.v_bias": [WIDTH],
        "attn.qkv.weight": [3 * WIDTH, WIDTH],
        "attn.proj.weight": [WIDTH, WIDTH],
        "attn.proj.bias": [WIDTH],
        "norm2.weight": [WIDTH],
        "norm2.bias": [WIDTH],
        "mlp.fc1.weight": [4 * WIDTH, WIDTH],
        "mlp.fc1.bias": [4 * WIDTH],
        "mlp.fc2.weight": [WIDTH, 4 * WIDTH],
        "mlp.fc2.bias": [WIDTH],
    }
    return {prefix + name: shape for name, shape in shapes.items()}


def paper_state(channels=3, token=False):
    shapes = {"mask_token": [1, 1, WIDTH]}
    if token:
        shapes["encoder.cls_token"] = [1, 1, WIDTH]
    shapes |= {"encoder.patch_embed.proj.weight": [WIDTH, channels, PATCH, PATCH], "encoder.patch_embed.proj.bias": [WIDTH]}
    shapes |= block_state("encoder.blocks.0.")
    shapes |= {"encoder.norm.weight": [WIDTH], "encoder.norm.bias": [WIDTH]}
    shapes |= block_state("decoder.blocks.0.")
    shapes |= {"decoder.norm.weight": [WIDTH], "decoder.norm.bias": [WIDTH]}
    shapes |= {"decoder.head.weight": [3 * PATCH**2, WIDTH], "decoder.head.bias": [3 * PATCH**2]}
    shapes |= {"encoder_to_decoder.weight": [WIDTH, WIDTH]}
    return {name: 0.3 * torch.randn(shape) + (1 if ".norm" in name and name.endswith("weight") else 0) for name, shape in shapes.items()}


def sines(count, width):
    place = torch.arange(count, dtype=torch.float64)[:, None]
    angle = place / 10000 ** (2 * (torch.arange(width) // 2).double() / width)
    return torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())


def paper_features(state, image, keep=None):
    """All tokens after the encoder's norm; of the tokens `keep` alone, where tokens are masked."""
    p = {name.removeprefix("encoder."): value.double() for name, value in state.items() if name.startswith("encoder.")}
    norm = lambda x, name: F.layer_norm(x, [WIDTH], p[f"{name}.weight"], p[f"{name}.bias"], 1e-6)
    x = F.conv2d(image.double(), p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=PATCH).flatten(2).mT
    x = x + sines(x.shape[1], WIDTH)  # the class token, where it is declared, stays out
    if keep is not None:
        x = torch.gather(x, 1, keep[:, :, None].expand(-1, -1, WIDTH))
    b = "blocks.0."
    n = norm(x, b + "norm1")
    bias = torch.cat([p[b + "attn.q_bias"], torch.zeros(WIDTH), p[b + "attn.v_bias"]])
    qkv = F.linear(n, p[b + "attn.qkv.weight"], bias).unflatten(2, (3, HEADS, WIDTH // HEADS)).permute(2, 0, 3, 1, 4)
    scores = (qkv[0] @ qkv[1].mT / (WIDTH // HEADS) ** 0.5).softmax(-1)
    x = x + F.linear((scores @ qkv[2]).transpose(1, 2).flatten(2), p[b + "attn.proj.weight"], p[b + "attn.proj.bias"])
    hidden = F.gelu(F.linear(norm(x, b + "norm2"), p[b + "mlp.fc1.weight"], p[b + "mlp.fc1.bias"]))
    return norm(x + F.linear(hidden, p[b + "mlp.fc2.weight"], p[b + "mlp.fc2.bias"]), "norm")


def paper():
    (HERE / "paper").mkdir()
    for name, options in FOLDERS.items():
        state = paper_state(**options)
        args = argparse.Namespace(
            model="pretrain_mae_base_patch16_224", input_size=IMAGE, window_size=(4, 4), patch_size=(PATCH, PATCH), lr=1.5e-4
        )
        optimizer = {"state": {0: {"step": 7}}, "param_groups": [{"betas": (0.9, 0.95), "params": [0]}]}
        saved = {"model": state, "optimizer": optimizer, "epoch": 2, "scaler": {"scale": 65536.0}, "args": args}
        torch.save(saved, HERE / "paper" / f"{name}.pth")
        image = torch.randn(2, options.get("channels", 3), IMAGE, IMAGE)
        expect(f"{name}.image", image)
        expect(f"{name}.tokens", paper_features(state, image))
        if name.startswith("zoomed"):
            order = torch.rand(2, 16).argsort(1)
            EXPECTED[f"{name}.order"] = order.to(torch.int32)
            expect(f"{name}.masked", paper_features(state, image, order[:, :4]))


# timm

TIMM = dict(patch_size=4, embed_dim=8, depth=1, num_heads=2, mlp_ratio=2, num_classes=3)


def timm_folder(name, size, cfg, args=TIMM, **options):
    torch.manual_seed(len(name))
    model = randomise(timm.create_model("vit_tiny_patch16_224", img_size=size, **args, **options))
    folder = HERE / name
    folder.mkdir()
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    config = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 3,
        "global_pool": "token",
        "label_names": {"0": "ant", "1": "bee", "2": "cow"},
        "model_args": {**args, "img_size": size, **options},
        "pretrained_cfg": cfg,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    image = torch.randn(2, 3, *size)
    expect(f"{name}.image", image)
    expect(f"{name}.logits", model.double()(image.double()))
    return model.float()


def timm_models():
    timm_folder("timm-oblong", [8, 32], {"input_size": [3, 224, 224], "fixed_input_size": True})  # 2 × 8 patches: also 4 × 4
    timm_folder("timm-two-readings", [12, 20], None)  # 3 × 5 patches and the token: also 4 × 4 without
    model = timm_folder("timm-square", [16, 16], None)
    state = {f"module.backbone.{key}": value for key, value in model.state_dict().items() if not key.startswith("head")}
    other = {key: value + 1 for key, value in state.items()}
    center = {"center": torch.zeros(1, 4)}
    torch.save({"student": other, "teacher": state, "epoch": 3, "dino_loss": center}, HERE / "dino.pth")
    lightning = {f"model.encoder.{key}": value for key, value in model.state_dict().items()}
    averaged = {f"ema.module.{key}": value + 1 for key, value in model.state_dict().items()}
    torch.save({"state_dict": averaged | lightning, "pytorch-lightning_version": "2.4.0", "callbacks": {}}, HERE / "lightning.ckpt")


# Hugging Face

SIZES = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=16, patch_size=4)


def hugging_face():
    labels = dict(id2label={0: "ant", 1: "bee", 2: "cow"}, label2id={"ant": 0, "bee": 1, "cow": 2})
    config = ViTConfig(**SIZES, **labels, problem_type="multi_label_classification")
    model = randomise(ViTForImageClassification(config))
    model.save_pretrained(HERE / "hf-multi-label")
    model.save_pretrained(HERE / "hf-sharded", max_shard_size="4KB")
    image = torch.randn(2, 3, 16, 16)
    expect("hf-multi-label.image", image)
    expect("hf-multi-label.logits", model.double()(image.double()).logits)
    expect("hf-multi-label.probabilities", model(image.double()).logits.sigmoid())
    state = {key: value.float() for key, value in model.state_dict().items()}
    folder = HERE / "hf-sharded-bin"
    folder.mkdir()
    shutil.copy(HERE / "hf-sharded" / "config.json", folder)
    parts = [dict(list(state.items())[::2]), dict(list(state.items())[1::2])]
    names = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
    for part, name in zip(parts, names):
        torch.save(collections.OrderedDict(part), folder / name)
    places = {key: name for part, name in zip(parts, names) for key in part}
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1))
    masked = randomise(ViTForMaskedImageModeling(ViTConfig(**SIZES, encoder_stride=4)))
    masked.save_pretrained(HERE / "hf-mim")
    expect("hf-mim.tokens", masked.double().vit(image.double()).last_hidden_state)


# Preprocessing


def pictures():
    rng = np.random.default_rng(5)
    folder = HERE / "pictures"
    folder.mkdir()
    out = {}
    for name, (height, width) in {"wide": (29, 44), "tall": (41, 18), "small": (9, 13)}.items():
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
        image = Image.fromarray((0.3 * noise + 0.7 * np.asarray(coarse)).astype(np.uint8))
        image.save(folder / f"{name}.png")
        out[name] = image
    return out


def preprocessing():
    vit, bit = {"image_processor_type": "ViTImageProcessor"}, {"image_processor_type": "BitImageProcessor"}
    square = {"size": {"height": 8, "width": 8}}
    cut = {"do_center_crop": True, "crop_size": {"height": 8, "width": 8}}
    statistics = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}
    hugging = {
        "stretched": {**vit, **square, **statistics},
        "size of one number": {**vit, "size": 8, **statistics},
        "size as a list": {**vit, "size": [8, 8], "resample": 3},
        "defaults": {**vit, **square},
        "not normalised": {**vit, **square, **statistics, "do_normalize": False},
        "not rescaled": {**vit, **square, "do_rescale": False, "image_mean": 120.0, "image_std": 60.0},
        "rescaled otherwise": {**vit, **square, "rescale_factor": 0.00784313725490196, "image_mean": [1.0] * 3, "image_std": [1.0] * 3},
        "neither": {**vit, **square, "do_normalize": False, "do_rescale": False},
        "numbers for all channels": {**vit, **square, "image_mean": 0.4, "image_std": 0.2},
        "shortest edge, cut": {**bit, "size": {"shortest_edge": 11}, **cut},
        "shortest edge of one number": {**bit, "size": 10, "crop_size": 8},
        "stretched, cut": {"image_processor_type": "DeiTImageProcessor", "size": {"height": 11, "width": 11}, "crop_size": 8},
        "cut as it is": {**vit, "do_resize": False, **cut},
        "smaller than the cut": {**bit, "size": {"shortest_edge": 5}, **cut},
        "just inside": {**vit, "size": {"max_height": 8, "max_width": 8}, **cut},
        **{f"filter {n}": {**vit, **square, "resample": n} for n in (0, 1, 2, 3)},
    }
    base = {"input_size": [3, 8, 8], "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]}
    of_timm = {
        "centre": {**base, "crop_pct": 0.9},
        "centre, defaults": {"input_size": [3, 8, 8]},
        "squash": {**base, "crop_pct": 0.8, "crop_mode": "squash"},
        "squash of all": {**base, "crop_pct": 1.0, "crop_mode": "squash", "interpolation": "bilinear"},
        "border": {**base, "crop_pct": 1.0, "crop_mode": "border"},
        "border, cut": {**base, "crop_pct": 0.85, "crop_mode": "border", "interpolation": "lanczos"},
        "nearest": {**base, "crop_pct": 0.95, "interpolation": "nearest"},
        "hamming": {**base, "crop_pct": 0.95, "interpolation": "hamming"},
        "box": {**base, "crop_pct": 0.7, "interpolation": "box"},
        "larger than the picture": {**base, "crop_pct": 1.5},
    }
    images = pictures()
    folder = HERE / "processor"
    cases = []
    for picture, image in images.items():
        for name, config in hugging.items():
            folder.mkdir()
            (folder / "preprocessor_config.json").write_text(json.dumps(config))
            made = AutoImageProcessor.from_pretrained(folder)(image, return_tensors="pt").pixel_values[0]
            shutil.rmtree(folder)
            cases.append({"project": "huggingface", "name": name, "picture": picture, "config": config})
            EXPECTED[f"{picture}: {name}"] = made.half()
        for name, config in of_timm.items():
            made = create_transform(**resolve_data_config({}, pretrained_cfg=config))(image)
            cases.append({"project": "timm", "name": name, "picture": picture, "config": config})
            EXPECTED[f"{picture}: {name}"] = made.half()
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "preprocessing.json").write_text(f"[\n{lines}\n]\n")


# Pickles


class Tagged(torch.Tensor):
    pass


def pickles():
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
    schedulers = [
        torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5]),
        torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9),
    ]
    attributed = torch.ones(2)
    attributed.note = "kept"
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = {"kept": True}
    state = {
        "weight": weight.detach(),
        "parameter": parameter,
        "attributed": attributed,
        "unsigned": torch.arange(4, dtype=torch.int32).to(torch.uint16),
        "complex tensor": torch.ones(2, dtype=torch.complex64),
        "eight bits": torch.ones(2).to(torch.float8_e4m3fn),
        "sparse": torch.eye(2).to_sparse(),
        "rows": torch.eye(2).to_sparse_csr(),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8),
        "meta": torch.empty(2, device="meta"),
    }
    beside = {
        "schedulers": [scheduler.state_dict() for scheduler in schedulers],
        "optimizer": optimizer.state_dict(),
        "counter": collections.Counter("letters"),
        "set": {1, "two"},
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"\x01\x02"),
        "complex": 1 + 2j,
        "large": [2**63, -(2**200), 2**64 - 1],
        "size": torch.Size([2, 3]),
        "dtype": [torch.float32, torch.bfloat16, torch.complex128, torch.qint8, torch.uint16, torch.float8_e5m2, torch.int4],
        "layout": [torch.strided, torch.sparse_coo],
        "device": torch.device("cpu"),
        "generator": torch.get_rng_state()[:8].clone(),
    }
    for protocol in (2, 4):
        path = HERE / f"everything-{protocol}.pth"
        more = {"no bytes": b"", "frozen": frozenset([1])} if protocol == 4 else {}
        torch.save({"model": state, **beside, **more}, path, pickle_protocol=protocol)
        if protocol == 2:
            torch.load(path, weights_only=True)  # PyTorch's own restricted unpickler takes it


# Files that are no weights


def no_weights():
    folder = HERE / "no-weights"
    folder.mkdir()
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * "a" + "\nsize 343223968\n"
    (folder / "lfs.safetensors").write_text(text)
    (folder / "page.pth").write_text("<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n")
    with h5py.File(folder / "model.h5", "w", libver="latest") as file:
        file["kernel"] = np.zeros(2, np.float32)
    info = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [info], [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])])
    onnx.save(onnx.helper.make_model(graph, producer_name="pytorch"), folder / "model.onnx")
    onnx.save(onnx.helper.make_model(graph), folder / "anonymous.onnx")
    picture = Image.new("RGB", (8, 8), (200, 30, 30))
    for extension in ("png", "jpg", "gif", "webp", "bmp", "tiff"):
        picture.save(folder / f"picture.{extension}")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), folder / "script.pt")
    np.save(folder / "array.npy", np.zeros(3))
    np.savez(folder / "arrays.npz", w=np.zeros(3))
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.safetensors", 200 * "x")
    (folder / "weights.gz").write_bytes(gzip.compress(b"weights", mtime=0))
    (folder / "weights.bz2").write_bytes(bz2.compress(b"weights"))
    (folder / "weights.xz").write_bytes(lzma.compress(b"weights"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    (folder / "weights.tar").write_bytes(buffer.getvalue()[:1024])
    (folder / "plain.pkl").write_bytes(pickle.dumps({"w": [1.0, 2.0]}, protocol=4))
    (folder / "config.json").write_text('{"model_type": "vit"}\n')
    (folder / "list.json").write_text("[1, 2, 3, 4, 5, 6, 7, 8]\n")
    (folder / "readme.txt").write_text("These are not the weights that you look for.\n")
    (folder / "empty.pth").write_bytes(b"")
    (folder / "short.pth").write_bytes(b"PK\x03")


def main():
    torch.manual_seed(20220328)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir(parents=True)
    paper()
    timm_models()
    hugging_face()
    preprocessing()
    pickles()
    no_weights()
    save_file(EXPECTED, HERE / "expected.safetensors")


if __name__ == "__main__":
    main()
