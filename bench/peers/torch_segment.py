"""The step of semantic segmentation in plain PyTorch with channels last, for torch_step.py to time."""


def build(tensors, config, device):
    """A ViT with a linear head or UperNet, with the weights of the file, and the parameter groups of its metadata; returns (loss, groups)."""
    import torch
    import torch.nn.functional as F

    data = {name: torch.from_numpy(array.copy()).to(device) for name, array in tensors.items()}
    w = {name[6:]: tensor for name, tensor in data.items() if name.startswith("param.")}
    for name in config["groups"]:
        w[name].requires_grad_(True)
    for name, tensor in w.items():
        if tensor.ndim == 4:
            w[name].data = tensor.data.contiguous(memory_format=torch.channels_last)
    view = data["view"].contiguous(memory_format=torch.channels_last)
    labels = data["masks"].long()
    patch, width, heads, head = config["patch"], config["width"], config["heads"], config["head"]
    grid = [side // patch for side in config["image"]]

    def norm(x, name):
        return F.layer_norm(x, (width,), w[name + ".weight"], w[name + ".bias"], 1e-6)

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    def encode():
        x = F.conv2d(view, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch)
        x = x.flatten(2).transpose(1, 2) + w["pos_embed"]
        batch, count, _ = x.shape
        layers = []
        for i in range(config["depth"]):
            b = f"blocks.{i}"
            qkv = linear(norm(x, b + ".norm1"), b + ".attn.qkv").reshape(batch, count, 3, heads, width // heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, count, width)
            x = x + linear(y, b + ".attn.proj")
            x = x + linear(F.gelu(linear(norm(x, b + ".norm2"), b + ".mlp.fc1")), b + ".mlp.fc2")
            layers.append(x)
        return layers

    def image(tokens):
        # [B, H, W, C] seen as [B, C, H, W]: channels last without a copy.
        return tokens.reshape(tokens.shape[0], *grid, -1).permute(0, 3, 1, 2)

    def resized(x, size):
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)

    def batch_norm(x, name):
        return F.batch_norm(x, w[name + ".running_mean"], w[name + ".running_var"], w[name + ".weight"], w[name + ".bias"], True, 0.1, 1e-5)

    def unit(x, name):
        weight = w[name + ".conv.weight"]
        return F.relu(batch_norm(F.conv2d(x, weight, padding=weight.shape[2] // 2), name + ".bn"))

    def twice(x, name):
        return F.conv_transpose2d(x, w[name + ".weight"], w[name + ".bias"], stride=2)

    def classified(x, name):
        return F.conv2d(x, w[name + ".weight"], w[name + ".bias"])

    def upernet(layers):
        first, second, third, last = (image(layers[tap]) for tap in head["taps"])
        big = twice(F.gelu(batch_norm(twice(first, "head.neck.0.up1"), "head.neck.0.bn")), "head.neck.0.up2")
        levels = [big, twice(second, "head.neck.1.up1"), third, F.max_pool2d(last, 2)]
        top = levels[3]
        size = lambda x: x.shape[2:]
        pooled = [resized(unit(F.adaptive_avg_pool2d(top, n), f"head.psp.{i}"), size(top)) for i, n in enumerate((1, 2, 3, 6))]
        maps = [unit(level, f"head.lateral.{i}") for i, level in enumerate(levels[:3])]
        maps.append(unit(torch.cat([top, *pooled], 1), "head.bottleneck"))
        for i in (3, 2, 1):
            maps[i - 1] = maps[i - 1] + resized(maps[i], size(maps[i - 1]))
        smooth = [unit(maps[i], f"head.fpn.{i}") for i in range(3)] + [maps[3]]
        fused = unit(torch.cat([resized(x, size(smooth[0])) for x in smooth], 1), "head.fuse")
        return classified(fused, "head.classes"), classified(unit(third, "head.auxiliary"), "head.auxiliary.classes")

    def cost(logits):
        return F.cross_entropy(resized(logits, labels.shape[1:]), labels, ignore_index=255, reduction="sum") / labels.numel()

    def loss():
        layers = encode()
        if head["kind"] == "linear":
            return cost(image(linear(norm(layers[-1], "norm"), "head.classes")))
        logits, auxiliary = upernet(layers)
        return cost(logits) + 0.4 * cost(auxiliary)

    by_settings = {}
    for name, group in config["groups"].items():
        by_settings.setdefault((group["lrScale"], group["weightDecay"]), []).append(w[name])
    groups = [{"params": params, "lr_scale": scale, "weight_decay": decay, "betas": (0.9, 0.999)} for (scale, decay), params in by_settings.items()]
    return loss, groups
