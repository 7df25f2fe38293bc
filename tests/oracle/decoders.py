"""Three decoders, what they predict of an encoder's tokens, and the parameters of encoder and decoder together."""
import numpy as np
import torch
import torch.nn.functional as F

import targets
import vit


def kind_of(config):
    return config["decoder"].get("kind", "transformer")


def pick(x, tokens):
    """Rows of x [B, N, D] at tokens [B, M]."""
    return torch.gather(x, 1, tokens[:, :, None].expand(-1, -1, x.shape[-1]))


# prediction -----------------------------------------------------------------------------------


def predict(p, config, image, order=None, guide=None):
    """
    image [B, C, H, W], order [B, N] or None for no removal, guide [B, C, H, W] or None.
    Returns the prediction of all patches, [B, N, values].
    """
    if kind_of(config) == "linear":
        x = vit.encode(p, config, image, order, fill=p["mask_token"])
        return head(p, x[:, int(config["classToken"]) :])
    tokens = vit.encode(p, config, image, order)
    if kind_of(config) == "cross":
        if guide is not None:
            tokens = torch.cat([tokens, vit.encode(p, config, guide) + p["guide_token"]], dim=1)
        return cross(p, config, tokens)
    return transformer(p, config, tokens, order)


def head(p, x):
    return F.linear(x, p["decoder_pred.weight"], p["decoder_pred.bias"])


def transformer(p, config, x, order):
    """Mask tokens among the encoder's tokens, blocks of self-attention (MAE)."""
    first = int(config["classToken"])
    x = F.linear(x, p["decoder_embed.weight"])
    if order is not None:
        masks = p["mask_token"].expand(len(x), order.shape[1] - (x.shape[1] - first), -1)
        place = torch.argsort(order, dim=1)  # inverse permutation
        x = torch.cat([x[:, :first], pick(torch.cat([x[:, first:], masks], dim=1), place)], dim=1)
    x = x + p["decoder_pos_embed"]
    for i in range(config["decoder"]["depth"]):
        x = vit.block(p, f"decoder_blocks.{i}.", x, config["decoder"]["heads"])
    return head(p, vit.layer_norm(x, p["decoder_norm.weight"], p["decoder_norm.bias"])[:, first:])


def cross(p, config, context):
    """A query for each patch, which attends to the context alone (CrossMAE)."""
    places = p["decoder_pos_embed"][:, int(config["classToken"]) :]
    x = (p["mask_token"] + places).expand(len(context), -1, -1)
    for i in range(config["decoder"]["depth"]):
        x = cross_block(p, f"decoder_blocks.{i}.", x, context, config["decoder"]["heads"])
    return head(p, vit.layer_norm(x, p["decoder_norm.weight"], p["decoder_norm.bias"]))


def cross_block(p, prefix, x, context, heads):
    def linear(name, y):
        return F.linear(y, p[f"{prefix}{name}.weight"], p[f"{prefix}{name}.bias"])

    def norm(name, y):
        return vit.layer_norm(y, p[f"{prefix}{name}.weight"], p[f"{prefix}{name}.bias"])

    def split(y):  # [B, n, width] -> [B, h, n, d]
        return y.unflatten(-1, (heads, -1)).transpose(1, 2)

    keys, values = linear("cross_attn.kv", context).chunk(2, dim=-1)
    y = vit.attention(split(linear("cross_attn.q", norm("norm1", x))), split(keys), split(values))
    x = x + linear("cross_attn.proj", y.transpose(1, 2).flatten(2))
    return x + linear("mlp.fc2", vit.gelu(linear("mlp.fc1", norm("norm2", x))))


def judged(config, order):
    """The patches [B, M] whose prediction the loss takes: the removed ones, or a share of them; None for all."""
    if order is None:
        return None
    removed = order[:, vit.keep_count(order.shape[1], config["maskRatio"]) :]
    count = removed.shape[1]
    share = config["decoder"].get("share", 1)
    chosen = max(1, int(np.floor(share * count + 0.5)))
    return removed[:, [i * count // chosen for i in range(chosen)]]


# parameters -----------------------------------------------------------------------------------


def fixed_names(config):
    """Parameters that are stored and not trained."""
    fixed = set() if kind_of(config) == "linear" else {"decoder_pos_embed"}
    return fixed if config["positions"] == "learned" else fixed | {"pos_embed"}


def cross_block_shapes(prefix, width, key_width):
    shapes = {
        name: shape for name, shape in vit.block_shapes("", width).items() if not name.startswith("attn.qkv")
    }
    shapes = {name.replace("attn.proj", "cross_attn.proj"): shape for name, shape in shapes.items()}
    for name, shape in (("q", [width, width]), ("kv", [2 * width, key_width])):
        shapes[f"cross_attn.{name}.weight"], shapes[f"cross_attn.{name}.bias"] = shape, shape[:1]
    return {prefix + name: shape for name, shape in shapes.items()}


def decoder_shapes(config):
    kind, encoder_width, (rows, columns) = kind_of(config), config["width"], vit.grid_of(config)
    values = targets.value_count(config)
    width = encoder_width if kind == "linear" else config["decoder"]["width"]
    shapes = {"decoder_embed.weight": [width, encoder_width]} if kind == "transformer" else {}
    shapes["mask_token"] = [1, 1, width]
    if kind == "cross":
        shapes["guide_token"] = [1, 1, encoder_width]
    if kind != "linear":
        shapes["decoder_pos_embed"] = [1, rows * columns + int(config["classToken"]), width]
        for i in range(config["decoder"]["depth"]):
            prefix = f"decoder_blocks.{i}."
            cross_shapes = cross_block_shapes(prefix, width, encoder_width)
            shapes.update(cross_shapes if kind == "cross" else vit.block_shapes(prefix, width))
        shapes.update({"decoder_norm.weight": [width], "decoder_norm.bias": [width]})
    shapes["decoder_pred.weight"], shapes["decoder_pred.bias"] = [values, width], [values]
    return shapes


def make_parameters(rng, config):
    """{name: float32 array}."""
    shapes = {**vit.encoder_shapes(config), **decoder_shapes(config)}
    values = {name: vit.random_value(rng, name, shape) for name, shape in shapes.items()}
    for name, kind in (("pos_embed", "positions"), ("decoder_pos_embed", "decoderPositions")):
        if name in shapes and config[kind] != "learned":
            values[name] = vit.position_table(config[kind], vit.grid_of(config), shapes[name][2], config["classToken"])
    return {name: value.astype(np.float32) for name, value in values.items()}
