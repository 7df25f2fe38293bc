"""The fine-tuning step in timm and PyTorch, for torch_step.py to time."""


def build(tensors, config, device):
    """timm's ViT with the weights of the file, and the parameter groups of its metadata; returns (loss, groups)."""
    import torch
    from timm.models.vision_transformer import VisionTransformer

    data = {name: torch.from_numpy(array.copy()).to(device) for name, array in tensors.items()}
    weights = {name[6:]: tensor for name, tensor in data.items() if name.startswith("param.")}
    model = VisionTransformer(
        img_size=config["image"], patch_size=config["patch"], embed_dim=config["width"], depth=config["depth"],
        num_heads=config["heads"], mlp_ratio=config["mlpRatio"], num_classes=config["classes"],
        class_token=config["classToken"], global_pool="avg", fc_norm=True,
        norm_layer=lambda width, **_: torch.nn.LayerNorm(width, eps=1e-6),
    ).to(device)
    model.load_state_dict(weights)
    model.train()
    named = dict(model.named_parameters())
    for name, parameter in named.items():
        parameter.requires_grad_(name in config["groups"])
    view, targets = data["view"], data["targets"]

    def loss():
        return torch.nn.functional.cross_entropy(model(view), targets)

    by_settings = {}
    for name, group in config["groups"].items():
        by_settings.setdefault((group["lrScale"], group["weightDecay"]), []).append(named[name])
    groups = [{"params": params, "lr_scale": scale, "weight_decay": decay, "betas": (0.9, 0.999)} for (scale, decay), params in by_settings.items()]
    return loss, groups
