"""Checks the oracle against weights, gradients and loss of the official code (distorted task)."""
import os

import numpy as np
import torch

import decoders
import safetensors_io
import tasks
import vit

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "official-distorted.safetensors")
CONFIG = {
    "image": [224, 224], "patch": 16, "channels": 3, "width": 48, "depth": 2, "heads": 3,
    "decoder": {"width": 32, "depth": 1, "heads": 2}, "classToken": False, "positions": "sincos1d",
    "decoderPositions": "sincos1d", "target": "channel", "task": "distorted", "maskRatio": 0,
}  # fmt: skip
TOLERANCE = 1e-5


def our_name(name):
    if name.startswith("encoder."):
        return name[len("encoder.") :]
    name = name.replace("encoder_to_decoder", "decoder_embed").replace("decoder.head", "decoder_pred")
    return name.replace("decoder.blocks", "decoder_blocks").replace("decoder.norm", "decoder_norm")


def parameters(tensors, dtype):
    """Joins q_bias and v_bias into qkv.bias and adds the position tables."""
    out = {our_name(k[6:]): v for k, v in tensors.items() if k.startswith("param.")}
    for name in [k for k in out if k.endswith("q_bias")]:
        stem = name[: -len("q_bias")]
        q, v = out.pop(name), out.pop(stem + "v_bias")
        out[stem + "qkv.bias"] = np.concatenate([q, np.zeros_like(q), v])
    grid = vit.grid_of(CONFIG)
    out["pos_embed"] = vit.position_table("sincos1d", grid, CONFIG["width"], False)
    out["decoder_pos_embed"] = vit.position_table("sincos1d", grid, CONFIG["decoder"]["width"], False)
    return {k: torch.tensor(np.asarray(v), dtype=dtype, requires_grad=True) for k, v in out.items()}


def main():
    torch.set_num_threads(1)
    tensors, metadata = safetensors_io.load(PATH)
    p = parameters(tensors, torch.float64)
    view, centre, magnitude = (torch.tensor(tensors[k]).double() for k in ("view", "centre", "magnitude"))
    draws = {"centre": centre, "magnitude": magnitude}
    degraded = tasks.degrade(CONFIG, view, draws)
    loss, _, _ = tasks.recover(CONFIG, view, draws, decoders.predict(p, CONFIG, degraded))
    loss.backward()
    worst = 0.0

    def compare(label, ours, theirs):
        nonlocal worst
        error = float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-30))
        worst = max(worst, error)
        print(f"{label:45s} {error:.2e}")

    compare("loss", np.float64(loss.item()), np.float64(metadata["loss"]))
    compare("degraded", degraded.numpy(), tensors["input"])
    for name, value in tensors.items():
        if name.startswith("grad."):
            compare(name, p[our_name(name[5:])].grad.numpy(), value)
    if worst > TOLERANCE:
        raise SystemExit(f"largest relative error {worst:.2e} exceeds {TOLERANCE:.0e}")
    print(f"agrees: largest relative error {worst:.2e}")


if __name__ == "__main__":
    main()
