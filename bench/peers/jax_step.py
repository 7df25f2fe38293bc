"""The masked pre-training step in JAX, for the benchmark to compare with.

    python3 jax_step.py batch.safetensors --modes plain,cudnn --steps 60 --precision bf16

Reads what torch_step.py reads. Modes are ways to compute attention: `plain` (two products and a softmax) and `cudnn`
(cuDNN's fused kernel, tokens padded to an even number). Prints one JSON line a mode: the losses, the seconds of groups
of steps, and the peak memory of the device in bytes, if the device reports it.
"""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "oracle"))

SYNC = 10


def build(path, mode, dtype, lr):
    import jax
    import jax.numpy as jnp
    from safetensors_io import load

    tensors, metadata = load(path)
    config = json.loads(metadata["config"])
    w = {name[6:]: jnp.asarray(t) for name, t in tensors.items() if name.startswith("param.")}
    fixed = {name: w.pop(name) for name in ("pos_embed", "decoder_pos_embed")}
    view, order = jnp.asarray(tensors["view"]), jnp.asarray(tensors["draw.order"])
    p, (height, width) = config["patch"], config["image"]
    grid = (height // p, width // p)
    batch, tokens = order.shape
    kept = int(tokens * (1 - config["maskRatio"]))

    def patches(x, perm):
        return x.reshape(batch, 3, grid[0], p, grid[1], p).transpose(perm).reshape(batch, tokens, -1)

    def norm(w, x, name):
        x = x.astype(jnp.float32)
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * w[name + ".weight"] + w[name + ".bias"]

    def linear(x, weight, bias=None):
        y = x.astype(dtype) @ weight.astype(dtype).T
        return y if bias is None else y + bias.astype(dtype)

    def attention(q, k, v):  # [B, N, h, d]
        n, d = q.shape[1], q.shape[3]
        if mode == "cudnn":
            pad = ((0, 0), (0, n % 2), (0, 0), (0, 0))
            lengths = jnp.full((q.shape[0],), n, jnp.int32)
            options = {"query_seq_lengths": lengths, "key_value_seq_lengths": lengths} if n % 2 else {}
            q, k, v = (jnp.pad(x, pad) for x in (q, k, v))
            return jax.nn.dot_product_attention(q, k, v, implementation="cudnn", **options)[:, :n]
        scores = jnp.einsum("bnhd,bmhd->bhnm", q * d**-0.5, k, preferred_element_type=jnp.float32)
        return jnp.einsum("bhnm,bmhd->bnhd", jax.nn.softmax(scores, -1).astype(dtype), v)

    def block(w, x, name, heads):
        b, n, d = x.shape
        qkv = linear(norm(w, x, name + ".norm1"), w[name + ".attn.qkv.weight"], w[name + ".attn.qkv.bias"])
        q, k, v = (qkv.reshape(b, n, 3, heads, d // heads)[:, :, i] for i in range(3))
        y = attention(q, k, v).reshape(b, n, d)
        x = x + linear(y, w[name + ".attn.proj.weight"], w[name + ".attn.proj.bias"])
        y = linear(norm(w, x, name + ".norm2"), w[name + ".mlp.fc1.weight"], w[name + ".mlp.fc1.bias"])
        return x + linear(jax.nn.gelu(y, approximate=False), w[name + ".mlp.fc2.weight"], w[name + ".mlp.fc2.bias"])

    def rows(x, index):
        return jnp.take_along_axis(x, index[:, :, None], 1)

    def loss_of(w, view, order):
        keep, restore = order[:, :kept], jnp.argsort(order, 1)
        embed = w["patch_embed.proj.weight"].reshape(config["width"], -1)
        x = linear(rows(patches(view, (0, 2, 4, 1, 3, 5)), keep), embed, w["patch_embed.proj.bias"])
        x = (x + fixed["pos_embed"][0][keep]).astype(dtype)
        for i in range(config["depth"]):
            x = block(w, x, f"blocks.{i}", config["heads"])
        y = linear(norm(w, x, "norm"), w["decoder_embed.weight"])
        hidden = jnp.broadcast_to(w["mask_token"].astype(dtype), (batch, tokens - kept, y.shape[-1]))
        y = rows(jnp.concatenate([y, hidden], 1), restore) + fixed["decoder_pos_embed"].astype(dtype)
        for i in range(config["decoder"]["depth"]):
            y = block(w, y, f"decoder_blocks.{i}", config["decoder"]["heads"])
        prediction = linear(norm(w, y, "decoder_norm"), w["decoder_pred.weight"], w["decoder_pred.bias"])
        mean, std = (jnp.asarray(config[key], jnp.float32) for key in ("mean", "std"))
        clean = patches(view, (0, 2, 4, 3, 5, 1)).reshape(batch, tokens, p * p, 3) * std + mean
        target = (clean - clean.mean(2, keepdims=True)) / (clean.std(2, ddof=1, keepdims=True) + 1e-6)
        each = ((prediction.astype(jnp.float32) - target.reshape(batch, tokens, -1)) ** 2).mean(-1)
        mask = (restore >= kept).astype(jnp.float32)
        return (each * mask).sum() / mask.sum()

    decay = {name: 0.05 if t.ndim > 1 and not name.endswith("token") else 0.0 for name, t in w.items()}

    def step(state, view, order):
        w, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(w, view, order)
        t = t + 1
        m = {k: 0.9 * m[k] + 0.1 * g[k] for k in w}
        v = {k: 0.95 * v[k] + 0.05 * g[k] ** 2 for k in w}
        up = {k: m[k] / (1 - 0.9**t) / (jnp.sqrt(v[k] / (1 - 0.95**t)) + 1e-8) for k in w}
        return ({k: w[k] * (1 - lr * decay[k]) - lr * up[k] for k in w}, m, v, t), loss

    zeros = {k: jnp.zeros_like(t) for k, t in w.items()}
    state = (w, zeros, {k: jnp.zeros_like(t) for k, t in w.items()}, jnp.float32(0))
    return jax.jit(step, donate_argnums=0), state, view, order


def run(path, mode, steps, precision, lr):
    import jax
    import jax.numpy as jnp

    step, state, view, order = build(path, mode, jnp.bfloat16 if precision == "bf16" else jnp.float32, lr)
    losses, seconds = [], []
    start = time.perf_counter()
    for i in range(1, steps + 1):
        state, loss = step(state, view, order)
        losses.append(loss)
        if i % SYNC == 0:
            jax.block_until_ready(state)
            seconds.append((time.perf_counter() - start) / SYNC)
            start = time.perf_counter()
    peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    print(json.dumps({"jax": jax.__version__, "mode": mode, "losses": [float(x) for x in losses], "seconds": seconds, "peakBytes": peak}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("batch")
    parser.add_argument("--modes", default="plain,cudnn")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("--lr", type=float, default=1e-4)
    args = parser.parse_args()
    for mode in args.modes.split(","):
        run(args.batch, mode, args.steps, args.precision, args.lr)


if __name__ == "__main__":
    main()
