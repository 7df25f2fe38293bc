"""Reads models that `export` wrote with the libraries that they are for, by the code that their model cards show.

    python3 tests/oracle/verify_exports.py FOLDER

FOLDER holds a folder for each export: `case.json` (name, format, part), `export/` (what was written), `image.jpg`, and
`values.safetensors`: inputs, what the model makes of them in TypeScript (reference engine, float64), and the `view` that
evaluation there makes of the image. Every Python block of the card is run; what it loaded must give the same outputs
within 1e-4 of the largest value, no key may be missing or unexpected, and the transform or image processor must make the
same view of the image; a segmenter's code must make the mask that `predict` makes, and a detector's code find its objects. Needs torch, timm, transformers, onnxruntime, safetensors, Pillow.
"""

import json
import os
import re
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import onnxruntime
import timm
import torch
import transformers
from PIL import Image
from safetensors.numpy import load_file

TOLERANCE = 1e-4
# The smallest of the cases' deviations: 1/255 of a pixel's range is this much after normalisation, at most.
STEP = 1 / 255 / 0.2
# Share of the pixels whose two largest scores may be equal but for rounding.
OTHERS = 2e-3
# Share of the objects that may be others, and of the pixels of a box whose mask may differ, for the same reason.
OTHER_OBJECTS = 0.02
OTHER_PIXELS = 0.02


def blocks(export):
    """The Python code of a model card, PATH filled in."""
    card = (export / "README.md").read_text(encoding="utf-8")
    return [code.replace("PATH", str(export)) for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL)]


def run(code, **given):
    """What a block of code leaves behind."""
    scope = dict(given)
    exec(compile(code, "model card", "exec"), scope)
    return scope


def check_view(made, view):
    """Normalised images [C, H, W] are the same where pixels were rounded alike, or to the next of 256 steps."""
    made = np.asarray(made)
    assert made.shape == view.shape, f"view: {made.shape} and {view.shape}"
    step = np.abs(made - view).max() / STEP
    assert step <= 1.01, f"view: pixels differ by up to {step:.1f} of 255, {np.abs(made - view).mean() / STEP:.2f} in the mean"


def timm_outputs(export, values, part):
    """Both ways to load, which must agree."""
    pixels = torch.from_numpy(values["pixel_values"])
    made = []
    for code in blocks(export):
        scope = run(code)
        if "transform" in scope:
            if pixels.shape[1] == 3:  # grey is made of colours in another order
                check_view(scope["transform"](Image.open("image.jpg").convert("RGB")), values["view"][0])
        model = scope["model"].eval()
        with torch.no_grad():
            if part == "classifier":
                made.append({"logits": model(pixels)})
            else:
                made.append({"last_hidden_state": model.forward_features(pixels), "pooler_output": model(pixels)})
    assert len(made) == 2, "a card for timm shows two ways"
    for outputs in made:
        yield {name: value.numpy() for name, value in outputs.items()}


CLASSES = {
    "features": "ViTModel",
    "classifier": "ViTForImageClassification",
    "segmenter": "BeitForSemanticSegmentation",
    "autoencoder": "ViTMAEForPreTraining",
}


def stretched(model, processor):
    """image.jpg as one window, by Pillow alone."""
    side = (model.config.image_size, model.config.image_size)
    pixels = np.asarray(Image.open("image.jpg").convert("RGB").resize(side, Image.BICUBIC), np.float32) / 255
    return ((pixels - np.array(processor.image_mean)) / np.array(processor.image_std)).transpose(2, 0, 1)



def huggingface_outputs(export, values, part):
    kind = getattr(transformers, CLASSES[part])
    load = {"add_pooling_layer": False} if part == "features" else {}
    _, info = kind.from_pretrained(str(export), output_loading_info=True, **load)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert len(info.get(key) or ()) == 0, f"{key}: {info[key]}"
    pixels = torch.from_numpy(values["pixel_values"])
    (code,) = blocks(export)
    if pixels.shape[1] == 3:
        scope = run(code)
        if part == "segmenter":
            check_view(scope["inputs"]["pixel_values"][0], stretched(scope["model"], scope["processor"]))
            assert scope["labels"].shape == Image.open("image.jpg").size[::-1]
        elif pixels.shape[2] == pixels.shape[3]:  # others are stretched, as their cards say
            check_view(scope["inputs"]["pixel_values"][0], values["view"][0])
        model = scope["model"]
    else:
        model = kind.from_pretrained(str(export), **load)
    assert type(model).__name__ == CLASSES[part]
    model.eval()
    with torch.no_grad():
        if part == "autoencoder":
            made = model(pixels, noise=torch.from_numpy(values["noise"]))
            outputs = {"logits": made.logits}
            # The targets of the others have no counterpart there, as their cards say.
            if "targets by channel" not in values["name"]:
                outputs["loss"] = made.loss.reshape(1)
        elif part == "classifier":
            outputs = {"logits": model(pixels).logits}
        elif part == "segmenter":
            logits = model(pixels).logits
            outputs = {"logits": torch.nn.functional.interpolate(logits, pixels.shape[2:], mode="bilinear")}
        else:
            outputs = {"last_hidden_state": model(pixels).last_hidden_state}
    yield {name: value.numpy() for name, value in outputs.items()}


def detector_outputs(objects, settings, values):
    """Scores and boxes in the order of those of `predict`: of each its nearest of the same class."""
    left = list(objects)
    side = max(Image.open("image.jpg").size)
    scores, boxes, others = [], [], 0
    for i, (box, score, label) in enumerate(zip(values["boxes"], values["scores"], values["labels"])):
        def apart(one):
            if one["class"] != settings["classes"][label]:
                return np.inf
            return max(abs(one["score"] - score), np.abs(np.array(one["box"]) - box).max() / side)

        nearest = min(left, key=apart, default=None)
        same = nearest is not None and apart(nearest) <= TOLERANCE
        if same and "masks" in values:
            differing = (nearest["mask"] != (values["masks"][i] > 0)).sum()
            same = differing <= max(1, OTHER_PIXELS * (box[2] - box[0]) * (box[3] - box[1]))
        if same:
            left = [one for one in left if one is not nearest]
        else:
            others += 1
        scores.append(nearest["score"] if same else score)
        boxes.append(nearest["box"] if same else box)
    others = max(others, len(left))
    assert len(scores) > 0 and others <= max(2, OTHER_OBJECTS * len(scores)), f"objects: {others} of {len(scores)} differ"
    return {"scores": np.array(scores), "boxes": np.array(boxes)}


def onnx_outputs(export, values, part):
    if part == "detector":
        (code,) = blocks(export)
        scope = run(code)
        yield detector_outputs(scope["objects"], scope["settings"], values)
        return
    name = "pixels" if part == "segmenter" else "pixel_values"
    pixels = values[name]
    (code,) = blocks(export)
    scope = run(code, pixel_values=pixels)
    session = scope["session"]
    if part == "segmenter":
        others = (scope["mask"] != values["mask"]).mean()
        assert others <= OTHERS, f"mask: {100 * others:.2f} % of the pixels differ from those of predict"
    names = [output.name for output in session.get_outputs()]
    for batch in (1, len(pixels)):
        made = dict(zip(names, session.run(None, {name: pixels[:batch]})))
        labels = made.pop("labels", None)
        if labels is not None:
            assert labels.dtype == np.uint8 and (labels == made["logits"].argmax(1)).all(), "labels"
        yield made


READERS = {"timm": timm_outputs, "huggingface": huggingface_outputs, "onnx": onnx_outputs}


def check(folder):
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    values = load_file(str(folder / "values.safetensors"))
    os.chdir(folder)
    worst = 0.0
    print(f"{case['format']:<12}{case['part']:<12}", end="", flush=True)
    for outputs in READERS[case["format"]](folder / "export", {**values, "name": case["name"]}, case["part"]):
        for name, made in outputs.items():
            expected = values[name][: len(made)]
            assert made.shape == expected.shape, f"{name}: {made.shape} and {expected.shape}"
            apart = float(np.abs(made - expected).max() / max(1.0, np.abs(expected).max()))
            assert apart <= TOLERANCE, f"{case}: {name} differs by {apart}"
            worst = max(worst, apart)
    print(f"{worst:8.1e}  {case['name']}")


def main():
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, timm {timm.__version__}, transformers {transformers.__version__}, "
          f"onnxruntime {onnxruntime.__version__}")
    folders = sorted(Path(sys.argv[1]).resolve().glob("case-*"))
    assert folders, "no exports"
    for folder in folders:
        check(folder)
    print(f"{len(folders)} exports give the outputs of their models within {TOLERANCE}")


if __name__ == "__main__":
    main()
