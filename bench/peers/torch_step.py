"""A training step in PyTorch, at its best, for benchmarks to compare with: masked pre-training, fine-tuning with timm, segmentation,
or detection with torchvision.

    python3 torch_step.py batch.safetensors --modes eager,compile --steps 6 --threads 2

Reads weights, view and mask order or targets written by the benchmark (metadata "config": model, mask ratio, parameter groups), and prints one JSON
line a mode: the losses, the seconds of each step (on a GPU: of groups of steps) and the peak memory in bytes: resident, or that of the GPU. Every mode runs in
its own process, so that one does not warm or burden another. Works with PyTorch 1.13 and later.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "oracle"))


# Steps per synchronisation with a GPU: it computes while the next steps are prepared.
SYNC = 10


def attention(q, k, v):
    import torch
    import torch.nn.functional as F

    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    return torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v


def build(path, device):
    import torch
    import torch.nn.functional as F
    from safetensors_io import load

    tensors, metadata = load(path)
    config = json.loads(metadata["config"])
    torch.manual_seed(0)
    if "targets" in tensors:
        from torch_finetune import build as build_finetune

        return build_finetune(tensors, config, device)
    if "rois.boxes" in tensors:
        from torch_detect import build as build_detect

        return build_detect(tensors, config, device)
    if "masks" in tensors:
        from torch_segment import build as build_segment

        return build_segment(tensors, config, device)
    data = {name: torch.from_numpy(array.copy()).to(device) for name, array in tensors.items()}
    w = {name[6:]: t for name, t in data.items() if name.startswith("param.")}
    fixed = {"pos_embed", "decoder_pos_embed"}
    trained = [name for name in w if name not in fixed]
    for name in trained:
        w[name] = torch.nn.Parameter(w[name])
    view, order = data["view"], data["draw.order"].long()
    p, (height, width) = config["patch"], config["image"]
    grid = (height // p, width // p)
    batch, tokens = order.shape
    kept = int(tokens * (1 - config["maskRatio"]))

    def patches(perm):
        x = view.reshape(batch, 3, grid[0], p, grid[1], p)
        return x.permute(*perm).reshape(batch, tokens, -1)

    def norm(x, name):
        return F.layer_norm(x, (x.shape[-1],), w[name + ".weight"], w[name + ".bias"], 1e-6)

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def block(x, name, heads):
        b, n, d = x.shape
        qkv = linear(norm(x, name + ".norm1"), name + ".attn.qkv")
        q, k, v = qkv.reshape(b, n, 3, heads, d // heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = attention(q, k, v).transpose(1, 2).reshape(b, n, d)
        x = x + linear(y, name + ".attn.proj")
        return x + linear(F.gelu(linear(norm(x, name + ".norm2"), name + ".mlp.fc1")), name + ".mlp.fc2")

    def rows(x, index):
        return torch.gather(x, 1, index[:, :, None].expand(-1, -1, x.shape[-1]))

    def loss():
        keep = order[:, :kept]
        restore = torch.argsort(order, dim=1)
        # Only the kept patches are embedded.
        embed = w["patch_embed.proj.weight"].flatten(1)
        x = F.linear(rows(patches((0, 2, 4, 1, 3, 5)), keep), embed, w["patch_embed.proj.bias"])
        x = x + w["pos_embed"][0][keep]
        for i in range(config["depth"]):
            x = block(x, f"blocks.{i}", config["heads"])
        y = F.linear(norm(x, "norm"), w["decoder_embed.weight"])
        hidden = w["mask_token"].expand(batch, tokens - kept, -1)
        y = rows(torch.cat([y, hidden], dim=1), restore) + w["decoder_pos_embed"]
        for i in range(config["decoder"]["depth"]):
            y = block(y, f"decoder_blocks.{i}", config["decoder"]["heads"])
        prediction = linear(norm(y, "decoder_norm"), "decoder_pred")
        mean = torch.tensor(config["mean"], device=device).view(1, 1, 1, 3)
        std = torch.tensor(config["std"], device=device).view(1, 1, 1, 3)
        clean = patches((0, 2, 4, 3, 5, 1)).reshape(batch, tokens, p * p, 3) * std + mean
        target = (clean - clean.mean(2, keepdim=True)) / (clean.std(2, keepdim=True) + 1e-6)
        each = ((prediction - target.reshape(batch, tokens, -1)) ** 2).mean(-1)
        mask = (restore >= kept).float()
        return (each * mask).sum() / mask.sum()

    decay = [w[n] for n in trained if w[n].ndim > 1 and not n.endswith("token")]
    no_decay = [w[n] for n in trained if w[n].ndim <= 1 or n.endswith("token")]
    groups = [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}]
    return loss, groups


def run(path, mode, steps, threads, lr, precision, device):
    import torch

    if mode == "compile" and not hasattr(torch, "compile"):
        return  # PyTorch 1
    torch.set_num_threads(threads)
    loss, groups = build(path, device)
    groups = [{**group, "lr": lr * group.pop("lr_scale", 1)} for group in groups]
    options = {"lr": lr, "betas": (0.9, 0.95), "eps": 1e-8}
    try:
        optimizer = torch.optim.AdamW(groups, fused=True, **options)
    except (RuntimeError, TypeError):
        optimizer = torch.optim.AdamW(groups, **options)
    compute = getattr(loss, "compiled", lambda: torch.compile(loss))() if mode == "compile" else loss
    losses, seconds = [], []
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            value = compute()
        value.backward()
        optimizer.step()
        losses.append(value.detach())
        if device == "cuda" and len(losses) % SYNC == 0:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    if device == "cuda":
        seconds = [sum(seconds[i : i + SYNC]) / SYNC for i in range(0, len(seconds), SYNC)]
    losses = [float(value) for value in losses]
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"torch": torch.__version__, "mode": mode, "losses": losses, "seconds": seconds, "peakBytes": peak}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("batch")
    parser.add_argument("--modes", default="eager,compile")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="bf16: autocast")
    args = parser.parse_args()
    modes = args.modes.split(",")
    if len(modes) == 1:
        return run(args.batch, modes[0], args.steps, args.threads, args.lr, args.precision, args.device)
    for mode in modes:
        rest = ["--steps", str(args.steps), "--threads", str(args.threads), "--lr", str(args.lr), "--precision", args.precision, "--device", args.device]
        subprocess.run([sys.executable, __file__, args.batch, "--modes", mode, *rest], check=True)


if __name__ == "__main__":
    main()
