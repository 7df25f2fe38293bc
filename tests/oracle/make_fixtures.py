"""Writes the fixtures: python3 tests/oracle/make_fixtures.py (PyTorch and NumPy; see README.md)."""
import json
import os
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import decoders
import make_hog_fixture
import safetensors_io
import self_checks
import targets
import tasks
import vit

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
NOTE = (
    "Computed in float64 from the stored float32 values. Target 'channel' is made from the image un-normalised to "
    "[0,1]; 'patch' and 'none' from the image normalised by mean and std (as in MAE)."
)
SMALL = {"width": 24, "depth": 2, "heads": 3, "decoder": {"width": 16, "depth": 1, "heads": 2}}
TINY = {"width": 12, "depth": 2, "heads": 3, "decoder": {"width": 8, "depth": 1, "heads": 2}}
MAE = {"classToken": True, "positions": "sincos2d", "target": "patch"}
SQUARE = {"image": [64, 64], "patch": 16}
DEGRADATIONS = ["zoomed-in", "zoomed-out", "distorted", "blurred", "de-colorized"]


def fixtures():
    """{key: (batch, overrides)}."""
    out = {"masked": (2, {"task": "masked", **SMALL})}
    for task in DEGRADATIONS:
        out[task] = (2, {"task": task, **(SMALL if task == "zoomed-in" else TINY)})
        out["masked+" + task] = (2, {"task": "masked+" + task, **TINY})
    out["de-colorized-hsv"] = (2, {"task": "de-colorized", "colour": "saturation", **TINY})
    out["masked-mae"] = (2, {"task": "masked", **SMALL, **MAE})
    out["masked-learned"] = (
        2, {"task": "masked", **TINY, "positions": "learned", "target": "none", "maskRatio": 0.55}
    )  # fmt: skip
    out["masked+zoomed-in-mae"] = (2, {"task": "masked+zoomed-in", **TINY, **MAE})
    out["masked+zoomed-in-64"] = (1, {"task": "masked+zoomed-in", **TINY, **SQUARE})
    out["zoomed-out-64"] = (1, {"task": "zoomed-out", **TINY, **SQUARE})
    out["blurred-96"] = (1, {"task": "blurred", **TINY, "image": [96, 96], "patch": 16})
    return {**out, **later_fixtures()}


def with_decoder(kind, **options):
    return {**TINY, "decoder": {**TINY["decoder"], "kind": kind, **options}}


def later_fixtures():
    """Relatives of the paper's tasks, other targets and other decoders."""
    linear, cross = with_decoder("linear"), with_decoder("cross")
    small, pixels = {"image": [12, 20], "patch": 4}, {"target": "none"}
    out = {
        "frequency": (2, {"task": "frequency", **linear, **pixels}),
        "frequency-odd": (2, {"task": "frequency", **linear, **pixels, "image": [25, 35], "patch": 5}),
        "masked+frequency": (2, {"task": "masked+frequency", **TINY, **pixels, **small}),
        "low-pass-28": (2, {"task": "noise", **TINY, "target": "low-pass", "image": [28, 28], "patch": 4}),
        "masked-hog": (2, {"task": "masked", **TINY, "target": "hog"}),
        "masked-hog-16": (2, {"task": "masked", **TINY, "target": "hog", "image": [32, 48], "patch": 16}),
    }
    in_small = {
        "noise": {"task": "noise", **TINY},
        "masked-low-pass": {"task": "masked", **TINY, "target": "low-pass"},
        "masked-cross": {"task": "masked", **cross, "target": "patch"},
        "masked-cross-share": {"task": "masked", **with_decoder("cross", share=0.5), **MAE, "target": "channel"},
        "masked-linear": {"task": "masked", **linear, **pixels, "maskRatio": 0.6},
        "masked-linear-mae": {"task": "masked", **linear, **MAE},
        "masked+cross-zoom": {"task": "masked+cross-zoom", **cross},
        "masked+cross-zoom-share": {
            "task": "masked+cross-zoom", **with_decoder("cross", share=0.4, depth=2), **MAE, "target": "hog"
        },
        "zoomed-in+blurred": {"task": "zoomed-in+blurred", **TINY},
        "masked+zoomed-out+noise": {"task": "masked+zoomed-out+noise", **TINY},
        "distorted+de-colorized": {"task": "distorted+de-colorized", **TINY},
        "masked+cross-zoom+blurred": {"task": "masked+cross-zoom+blurred", **cross},
        "frequency+noise": {"task": "frequency+noise", **linear, **pixels},
    }  # fmt: skip
    return {**out, **{key: (2, {**overrides, **small}) for key, overrides in in_small.items()}}


def make_config(overrides):
    config = {
        "image": [24, 40], "patch": 8, "channels": 3, "mlpRatio": 4, "classToken": False, "positions": "sincos1d",
        "target": "channel", "maskRatio": 0.75 if overrides["task"].startswith("masked") else 0,
        "mean": targets.MEAN, "std": targets.STD,
    }  # fmt: skip
    config.update(overrides)
    config["decoderPositions"] = "sincos2d" if config["positions"] == "sincos2d" else "sincos1d"
    if "de-colorized" in tasks.degradations(config["task"]):
        config.setdefault("colour", "grey")
    return config


def make_image(rng, batch, size):
    """Smooth waves with noise, in [0, 1], then normalised; float32."""
    y, x = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]), indexing="ij")
    image = np.zeros((batch, 3, *size))
    for b in range(batch):
        for c in range(3):
            for _ in range(4):
                fy, fx, phase = rng.uniform(-4, 4), rng.uniform(-4, 4), rng.uniform(0, 6)
                image[b, c] += np.sin(2 * np.pi * (fy * y + fx * x) + phase)
    image += 0.5 * rng.standard_normal(image.shape)
    low, high = image.min((2, 3), keepdims=True), image.max((2, 3), keepdims=True)
    image = 0.02 + 0.96 * (image - low) / (high - low)
    return targets.normalise(torch.from_numpy(image)).numpy().astype(np.float32)


def to_torch(value):
    return torch.tensor(value).long() if value.dtype == np.int32 else torch.tensor(value).double()


# tasks ----------------------------------------------------------------------------------------


def task_fixture(key, batch, overrides):
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    config = make_config(overrides)
    parameters = decoders.make_parameters(rng, config)
    view = make_image(rng, batch, tasks.view_size(config["task"], config["image"]))
    drawn = tasks.draw(rng, config, batch)

    fixed = decoders.fixed_names(config)
    p = {k: to_torch(v).requires_grad_(k not in fixed) for k, v in parameters.items()}
    image, draws = to_torch(view), {k: to_torch(v) for k, v in drawn.items()}
    order, guide = draws.get("order"), tasks.guide_of(config, image)
    degraded = tasks.degrade(config, image, draws)

    def loss_of(weights):
        return tasks.recover(config, image, draws, decoders.predict(weights, config, degraded, order, guide))[0]

    prediction = decoders.predict(p, config, degraded, order, guide)
    loss, parts, compared = tasks.recover(config, image, draws, prediction)
    loss.backward()

    trained = [k for k in p if k not in fixed]
    self_checks.check_gradient(rng, loss_of, p, trained)
    self_checks.check_perfect_prediction(config, image, draws)
    if order is not None:
        with torch.no_grad():
            self_checks.check_masking(config, p, degraded, order, guide)
    if decoders.kind_of(config) == "cross":
        with torch.no_grad():
            self_checks.check_cross(config, p, degraded, order, guide)

    tensors = {"param." + k: v for k, v in parameters.items()}
    tensors["view"] = view
    tensors.update({"draw." + k: v for k, v in drawn.items()})
    tensors["degraded"] = degraded.numpy()
    tensors.update({k: v.numpy() for k, v in compared.items()})
    tensors["prediction"] = prediction.detach().numpy()
    for name in trained:
        gradient = p[name].grad
        gradient = np.zeros(p[name].shape) if gradient is None else gradient.numpy()
        tensors["grad." + name] = vit.drop_key_bias(name, gradient)
    metadata = {
        "loss": repr(loss.item()), "parts": json.dumps(parts), "config": json.dumps(config), "note": NOTE
    }  # fmt: skip
    safetensors_io.save(os.path.join(OUT, f"task-{key}.safetensors"), tensors, metadata)
    print(f"task-{key:24s} loss {loss.item():.12f} {parts if parts else ''}")


# pieces ---------------------------------------------------------------------------------------


def float32_normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def record(tensors, name, function, inputs, dy):
    """Stores inputs, dy, y and the gradient d<input> of every input."""
    leaves = {k: to_torch(v).requires_grad_() for k, v in inputs.items()}
    y = function(**leaves)
    y.backward(to_torch(dy))
    tensors.update({f"{name}.{k}": v for k, v in inputs.items()})
    tensors[f"{name}.dy"], tensors[f"{name}.y"] = dy, y.detach().numpy()
    tensors.update({f"{name}.d{k}": v.grad.numpy() for k, v in leaves.items()})


def pieces():
    rng = np.random.default_rng(11)
    tensors, metadata = {}, {"note": NOTE}
    normal = lambda *shape: float32_normal(rng, *shape)  # noqa: E731

    inputs = {"x": 3 * normal(2, 5, 24) + 1, "weight": 1 + 0.2 * normal(24), "bias": normal(24)}
    record(tensors, "layer_norm", vit.layer_norm, inputs, normal(2, 5, 24))
    x = np.concatenate([np.linspace(-8, 8, 33), [0, 1e-4, -1e-4]]).astype(np.float32)
    record(tensors, "gelu", vit.gelu, {"x": x}, normal(len(x)))
    record(tensors, "softmax", lambda x: torch.softmax(x, -1), {"x": 20 * normal(3, 4, 9)}, normal(3, 4, 9))
    inputs = {k: 2 * normal(2, 3, 7, 8) for k in ("q", "k", "v")}
    record(tensors, "attention", vit.attention, inputs, normal(2, 3, 7, 8))

    sizes = [
        ((14, 14), (18, 18)), ((18, 18), (14, 14)), ((14, 14), (10, 10)), ((10, 10), (14, 14)),
        ((24, 40), (30, 52)), ((30, 52), (24, 40)), ((17, 29), (24, 40)), ((7, 12), (9, 5)), ((6, 8), (3, 8)),
    ]  # fmt: skip
    for i, (source, size) in enumerate(sizes):
        function = lambda x: tasks.area(x, size)  # noqa: E731, B023
        record(tensors, f"area.{i}", function, {"x": normal(1, 1, *source)}, normal(1, 1, *size))
    metadata["area"] = json.dumps([{"from": a, "to": b} for a, b in sizes])

    inputs = {k: vit.random_value(rng, k, s).astype(np.float32) for k, s in vit.block_shapes("", 24).items()}
    leaves = {k: to_torch(v).requires_grad_() for k, v in inputs.items()}
    x, dy = normal(2, 6, 24), normal(2, 6, 24)
    leaf = to_torch(x).requires_grad_()
    y = vit.block(leaves, "", leaf, 3)
    y.backward(to_torch(dy))
    tensors.update({f"block.param.{k}": v for k, v in inputs.items()})
    tensors.update({"block.x": x, "block.dy": dy, "block.y": y.detach().numpy(), "block.dx": leaf.grad.numpy()})
    tensors.update({f"block.grad.{k}": vit.drop_key_bias(k, v.grad.numpy()) for k, v in leaves.items()})
    metadata["block"] = json.dumps({"width": 24, "heads": 3})

    logits, labels = 3 * normal(5, 7), rng.integers(0, 7, 5).astype(np.int32)
    soft = rng.dirichlet(np.ones(7), 5).astype(np.float32)
    tensors.update({"cross_entropy.logits": logits, "cross_entropy.labels": labels, "cross_entropy.soft": soft})
    losses, targets = {}, {"plain": (labels, 0.0), "smooth": (labels, 0.1), "soft": (soft, 0.0)}
    for name, (target, smoothing) in targets.items():
        leaf = to_torch(logits).requires_grad_()
        loss = F.cross_entropy(leaf, to_torch(target), label_smoothing=smoothing)
        loss.backward()
        losses[name] = {"smoothing": smoothing, "loss": loss.item()}
        tensors[f"cross_entropy.{name}.dlogits"] = leaf.grad.numpy()
    metadata["cross_entropy"] = json.dumps(losses)

    for rows, columns, width in [(4, 6, 24), (4, 6, 16), (14, 14, 16), (1, 5, 8)]:
        tensors[f"sincos1d.{rows}x{columns}x{width}"] = vit.sincos1d(rows * columns, width)
        tensors[f"sincos2d.{rows}x{columns}x{width}"] = vit.sincos2d(rows, columns, width)

    image = make_image(rng, 2, [16, 24])
    tensors["target.image"], x = image, to_torch(image)
    tensors["target.patches"] = targets.patchify(x, 8).numpy()
    for kind in ("channel", "patch", "none"):
        tensors["target." + kind] = targets.make_target(x, 8, kind).numpy()
    metadata["target"] = json.dumps({"patch": 8, "mean": targets.MEAN, "std": targets.STD})
    safetensors_io.save(os.path.join(OUT, "pieces.safetensors"), tensors, metadata)


# optimizer ------------------------------------------------------------------------------------


def adamw():
    """Ten steps; `matrix` with decay, `vector` without."""
    rng = np.random.default_rng(13)
    lrs = [0.0, 0.001, 0.002, 0.003, 0.004, 0.0035, 0.0025, 0.0015, 0.0007, 0.0001]
    beta1, beta2, eps, decay = 0.9, 0.95, 1e-8, 0.05
    start = {"matrix": float32_normal(rng, 4, 5), "vector": float32_normal(rng, 6)}
    scale = np.logspace(-4, 1, 10)  # gradients of very different size
    grads = {
        k: (float32_normal(rng, 10, *v.shape) * scale.reshape(-1, *[1] * v.ndim)).astype(np.float32)
        for k, v in start.items()
    }
    weights = {k: to_torch(v).requires_grad_() for k, v in start.items()}
    groups = [
        {"params": [weights["matrix"]], "weight_decay": decay}, {"params": [weights["vector"]], "weight_decay": 0.0}
    ]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(beta1, beta2), eps=eps)
    after = {k: [] for k in start}
    by_hand = {k: (v.astype(np.float64), 0.0, 0.0) for k, v in start.items()}
    for step, lr in enumerate(lrs):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for k, w in weights.items():
            w.grad = to_torch(grads[k][step])
        optimizer.step()
        for k, w in weights.items():
            after[k].append(w.detach().numpy().copy())
            x, m, v = by_hand[k]
            g = grads[k][step].astype(np.float64)
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            x = x * (1 - lr * (decay if k == "matrix" else 0))
            t = step + 1
            x = x - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
            by_hand[k] = x, m, v
            self_checks.close(after[k][-1], x)

    tensors = {}
    for k in start:
        state = optimizer.state[weights[k]]
        tensors[f"start.{k}"], tensors[f"grad.{k}"], tensors[f"after.{k}"] = start[k], grads[k], np.stack(after[k])
        tensors[f"m.{k}"], tensors[f"v.{k}"] = state["exp_avg"].numpy(), state["exp_avg_sq"].numpy()

    clip = {"a": float32_normal(rng, 3, 4), "b": float32_normal(rng, 5)}
    tensors.update({f"clip.grad.{k}": v for k, v in clip.items()})
    examples = []
    for max_norm in (1.0, 100.0):
        leaves = [to_torch(v).requires_grad_() for v in clip.values()]
        for leaf in leaves:
            leaf.grad = leaf.detach().clone()
        norm = torch.nn.utils.clip_grad_norm_(leaves, max_norm).item()
        coefficient = min(1.0, max_norm / (norm + 1e-6))
        for leaf in leaves:
            self_checks.close(leaf.grad, coefficient * leaf.detach())
        examples.append({"maxNorm": max_norm, "norm": norm, "coefficient": coefficient})
    options = {"betas": [beta1, beta2], "eps": eps, "weightDecay": {"matrix": decay, "vector": 0}, "lr": lrs}
    metadata = {"adamw": json.dumps(options), "clip": json.dumps(examples), "note": NOTE.split(" Target")[0]}
    safetensors_io.save(os.path.join(OUT, "adamw.safetensors"), tensors, metadata)


def main(keys):
    """Writes the fixtures of these tasks, or all fixtures."""
    torch.set_num_threads(1)
    os.makedirs(OUT, exist_ok=True)
    self_checks.run_all()
    for key, (batch, overrides) in fixtures().items():
        if not keys or key in keys:
            task_fixture(key, batch, overrides)
    if not keys:
        pieces()
        adamw()
        make_hog_fixture.main()


if __name__ == "__main__":
    main(sys.argv[1:])
