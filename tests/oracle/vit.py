"""The encoder as a function of a dictionary of parameters (timm / MAE names)."""
import numpy as np
import torch
import torch.nn.functional as F

EPS = 1e-6


# positions ------------------------------------------------------------------------------------


def sincos1d(count, width):
    """[count, width]; angle(p, j) = p / 10000^(2 floor(j/2) / width), even j sine, odd j cosine."""
    j = np.arange(width)
    angle = np.arange(count)[:, None] / np.power(10000.0, 2 * (j // 2) / width)
    return np.where(j % 2 == 0, np.sin(angle), np.cos(angle))


def sincos2d(rows, columns, width):
    """[rows * columns, width], as in MAE: first half from the column, second half from the row."""
    omega = 1 / np.power(10000.0, np.arange(width // 4) / (width / 4))

    def half(position):
        angle = position.reshape(-1)[:, None] * omega
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return np.concatenate([half(column), half(row)], axis=1)


def position_table(kind, grid, width, class_token):
    """[1, N(+1), width]; the row of the class token is zero."""
    table = sincos2d(*grid, width) if kind == "sincos2d" else sincos1d(grid[0] * grid[1], width)
    if class_token:
        table = np.concatenate([np.zeros((1, width)), table])
    return table[None]


# layers ---------------------------------------------------------------------------------------


def layer_norm(x, weight, bias):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + EPS) * weight + bias


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))


def attention(q, k, v):
    """[B, h, n, d] each."""
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1) @ v


def block(p, prefix, x, heads):
    """Pre-norm transformer block; x [B, n, D]."""
    batch, tokens, width = x.shape
    y = layer_norm(x, p[prefix + "norm1.weight"], p[prefix + "norm1.bias"])
    qkv = F.linear(y, p[prefix + "attn.qkv.weight"], p[prefix + "attn.qkv.bias"])
    q, k, v = qkv.reshape(batch, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    y = attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
    x = x + F.linear(y, p[prefix + "attn.proj.weight"], p[prefix + "attn.proj.bias"])
    y = layer_norm(x, p[prefix + "norm2.weight"], p[prefix + "norm2.bias"])
    y = gelu(F.linear(y, p[prefix + "mlp.fc1.weight"], p[prefix + "mlp.fc1.bias"]))
    return x + F.linear(y, p[prefix + "mlp.fc2.weight"], p[prefix + "mlp.fc2.bias"])


# encoder --------------------------------------------------------------------------------------


def grid_of(config):
    height, width = config["image"]
    return height // config["patch"], width // config["patch"]


def keep_count(tokens, ratio):
    return int(np.floor(tokens * (1 - ratio)))


def encode(p, config, image, order=None, fill=None):
    """
    Tokens of images [B, C, H, W] after the final norm, the class token first: [B, (1 +) K, D].
    order [B, N] or None for no removal; fill [1, 1, D] stands in place of removed patches, which are left out without it.
    """
    rows, columns = grid_of(config)
    tokens, class_token = rows * columns, config["classToken"]
    x = F.conv2d(image, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=config["patch"])
    x = x.flatten(2).transpose(1, 2)  # row-major tokens
    positions = p["pos_embed"]
    count = keep_count(tokens, config["maskRatio"])
    if order is not None and fill is not None:
        removed = torch.argsort(order, dim=1) >= count  # a token's place in the order
        x = torch.where(removed[:, :, None], fill, x)
    x = x + positions[:, int(class_token) :]
    if order is not None and fill is None:
        kept = order[:, :count]
        x = torch.gather(x, 1, kept[:, :, None].expand(-1, -1, x.shape[-1]))
    if class_token:
        x = torch.cat([(p["cls_token"] + positions[:, :1]).expand(len(x), -1, -1), x], dim=1)
    for i in range(config["depth"]):
        x = block(p, f"blocks.{i}.", x, config["heads"])
    return layer_norm(x, p["norm.weight"], p["norm.bias"])


# parameters -----------------------------------------------------------------------------------


def drop_key_bias(name, value):
    """Zeroes the keys' part of a bias of attention (or of its gradient)."""
    parts = {"qkv": (3, 1), "kv": (2, 0)}.get(name.split(".")[-2], None) if name.endswith("bias") else None
    if parts:
        value = value.copy().reshape(parts[0], -1)
        value[parts[1]] = 0
        value = value.reshape(-1)
    return value


def block_shapes(prefix, width):
    shapes = {
        "norm1.weight": [width],
        "norm1.bias": [width],
        "attn.qkv.weight": [3 * width, width],
        "attn.qkv.bias": [3 * width],
        "attn.proj.weight": [width, width],
        "attn.proj.bias": [width],
        "norm2.weight": [width],
        "norm2.bias": [width],
        "mlp.fc1.weight": [4 * width, width],
        "mlp.fc1.bias": [4 * width],
        "mlp.fc2.weight": [width, 4 * width],
        "mlp.fc2.bias": [width],
    }
    return {prefix + name: shape for name, shape in shapes.items()}


def random_value(rng, name, shape):
    """Values far from the initial ones, so that no gradient is negligible."""
    if name.endswith("norm.weight") or "norm1.weight" in name or "norm2.weight" in name:
        return 1 + 0.2 * rng.standard_normal(shape)
    if name.endswith("bias"):
        return drop_key_bias(name, 0.2 * rng.standard_normal(shape))
    if name.endswith("token") or name.endswith("pos_embed"):
        return 0.5 * rng.standard_normal(shape)
    return rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))


def encoder_shapes(config):
    """Shapes by name, in the order in which values are drawn."""
    grid, patch, channels, width = grid_of(config), config["patch"], config["channels"], config["width"]
    shapes = {"cls_token": [1, 1, width]} if config["classToken"] else {}
    shapes["pos_embed"] = [1, grid[0] * grid[1] + int(config["classToken"]), width]
    shapes["patch_embed.proj.weight"] = [width, channels, patch, patch]
    shapes["patch_embed.proj.bias"] = [width]
    for i in range(config["depth"]):
        shapes.update(block_shapes(f"blocks.{i}.", width))
    shapes.update({"norm.weight": [width], "norm.bias": [width]})
    return shapes
