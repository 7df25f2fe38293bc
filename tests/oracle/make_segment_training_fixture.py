"""Writes tests/fixtures/segment-training.json: losses of 20 steps of training by plain PyTorch.

    npm run build && python3 tests/oracle/make_segment_training_fixture.py

Needs PyTorch >= 1.13, NumPy and Pillow. Pictures and first weights come from this project (`data shapes`, `initialise`); the model is that of
make_segmenter_fixture.py, the optimizer torch.optim.AdamW, in float64.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from make_segmenter_fixture import Model, cost  # noqa: E402

OUT = os.path.join(HERE, "..", "fixtures", "segment-training.json")
STEPS, WARM_UP, PEAK, DECAY, LAYER_DECAY = 20, 4, 0.005, 0.05, 0.75

SETTINGS = {
    "seed": 3,
    "data": {"scale": [1, 1], "flip": 0, "photometric": False, "largestClass": 1},
    "model": {
        "image": [16, 16], "patch": 4, "width": 16, "depth": 3, "heads": 2,
        "head": {"kind": "upernet", "channels": 8, "scales": [2, 1, 0.5], "pools": [1, 2], "auxiliary": 4, "dropout": 0},
    },
    "training": {
        "epochs": STEPS, "batchSize": 4, "warmupEpochs": WARM_UP, "learningRate": PEAK * 64, "dropPath": 0,
        "weightDecay": DECAY, "layerDecay": LAYER_DECAY, "beta2": 0.99,
    },
}

DUMP = """
import { parseSegmentConfig, segmenterConfig } from '%(dist)s/config/segment-schema.js';
import { writeShapes } from '%(dist)s/data/shapes/write.js';
import { segmenterParameters } from '%(dist)s/models/segmenter.js';
import { initialise } from '%(dist)s/nn/init.js';
await writeShapes('%(folder)s/shapes', { train: 4, val: 1, size: 16, seed: 21 });
const config = parseSegmentConfig(%(settings)s);
const model = segmenterConfig(config, 4);
const weights = initialise(segmenterParameters({ ...model, positions: config.model.positions }), config.seed);
const specs = segmenterParameters(model).map((spec) => ({ ...spec, values: [...weights[spec.name]] }));
console.log(JSON.stringify({ specs, model, data: config.data }));
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        names = {"dist": os.path.join(HERE, "..", "..", "dist"), "folder": folder, "settings": json.dumps(SETTINGS)}
        script = os.path.join(folder, "dump.mjs")
        with open(script, "w") as file:
            file.write(DUMP % names)
        first = json.loads(subprocess.run(["node", script], check=True, capture_output=True, text=True).stdout)
        mean, std = (np.array(first["data"][key]) for key in ("mean", "std"))
        images, labels = [], []
        for n in range(1, 5):
            rgb = np.asarray(Image.open(f"{folder}/shapes/images/train/{n:05d}.png").convert("RGB")) / 255
            images.append(((rgb - mean) / std).transpose(2, 0, 1))
            labels.append(np.asarray(Image.open(f"{folder}/shapes/masks/train/{n:05d}.png")).astype(np.int64))
    x, y = torch.tensor(np.stack(images)), torch.tensor(np.stack(labels))
    depth = first["model"]["depth"]
    model = Model({**first["model"], "grid": [4, 4]}, np.random.default_rng(0))
    groups = []
    for spec in first["specs"]:
        name, value = spec["name"], torch.tensor(spec["values"]).double().reshape(spec["shape"])
        if name.endswith("running_mean"):
            model.buffers[name[: -len(".running_mean")]] = [torch.zeros_like(value), torch.ones_like(value)]
        elif not name.endswith("running_var"):
            model.w[name] = value.requires_grad_()
            layer = 0 if "embed" in name else int(name.split(".")[1]) + 1 if name.startswith("blocks.") else depth + 1
            decays = value.ndim > 1 and name != "pos_embed"
            groups.append({"params": [value], "weight_decay": DECAY if decays else 0, "scale": LAYER_DECAY ** (depth + 1 - layer)})
    optimizer = torch.optim.AdamW(groups, lr=0, betas=(0.9, 0.99), eps=1e-8)
    losses = []
    for step in range(STEPS):
        rate = PEAK * step / WARM_UP if step < WARM_UP else PEAK * (1 - (step - WARM_UP) / (STEPS - WARM_UP))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        logits, auxiliary = model.forward(x, True)
        loss = cost(logits, y, "all") + 0.4 * cost(auxiliary, y, "all")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    logits, _ = model.forward(x, False)
    full = torch.nn.functional.interpolate(logits, y.shape[1:], mode="bilinear", align_corners=False)
    found = {"settings": SETTINGS, "losses": losses, "accuracy": (full.argmax(1) == y).double().mean().item()}
    with open(OUT, "w") as file:
        json.dump(found, file, indent=2)
        file.write("\n")


main()
