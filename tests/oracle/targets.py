"""Images as patches, and what a decoder predicts of them."""
import numpy as np
import torch
import torch.nn.functional as F

import frequencies

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BINS = 9


# images and patches ---------------------------------------------------------------------------


def statistics(x):
    """Mean and standard deviation, [C, 1, 1] each, in the precision of x."""
    return (torch.tensor(values, dtype=x.dtype)[:, None, None] for values in (MEAN, STD))


def normalise(x):
    mean, std = statistics(x)
    return (x - mean) / std


def unnormalise(x):
    mean, std = statistics(x)
    return x * std + mean


def patchify(x, patch):
    """[B, C, H, W] -> [B, N, p*p*C], a patch vector being (pixel row, pixel column, channel)."""
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // patch, patch, w // patch, patch)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(b, -1, patch * patch * c)


def unpatchify(x, patch, size):
    b, c = len(x), x.shape[-1] // patch**2
    rows, columns = size[0] // patch, size[1] // patch
    x = x.reshape(b, rows, columns, patch, patch, c)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(b, c, *size)


# targets --------------------------------------------------------------------------------------


def value_count(config):
    """Number of values that are predicted of a patch."""
    patch, channels = config["patch"], config["channels"]
    return channels * (BINS * (patch // cell_side(patch)) ** 2 if config["target"] == "hog" else patch**2)


def make_target(x, patch, kind):
    """x [B, C, H, W] normalised by MEAN and STD -> [B, N, values]."""
    if kind == "none":
        return patchify(x, patch)
    if kind == "hog":
        return hog(x, patch)
    if kind == "low-pass":
        x = frequencies.keep(x, frequencies.is_low(x.shape[2:], frequencies.LOW_PASS))
    if kind in ("patch", "low-pass"):
        x = patchify(x, patch)
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=True, keepdim=True) + 1e-6)
    y = patchify(unnormalise(x), patch)
    y = y.reshape(*y.shape[:2], patch * patch, x.shape[1])
    y = (y - y.mean(2, keepdim=True)) / (y.std(2, unbiased=True, keepdim=True) + 1e-6)
    return y.flatten(2)


def cell_side(patch):
    return 8 if patch % 8 == 0 else patch


def gaussian_window(patch):
    """[p, p], of sum 1."""
    n = torch.arange(patch, dtype=torch.float64) - (patch - 1) / 2
    line = torch.exp(-0.5 * (n / max(1, patch // 2)) ** 2)
    square = torch.outer(line, line)
    return square / square.sum()


def sobel(x):
    """Gradients across and down of x [B, C, H, W], borders reflected; exact in whole numbers."""
    kernel = torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]], dtype=x.dtype)
    padded = F.pad(x.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="reflect")
    both = F.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    return (g.reshape(x.shape) for g in both.unbind(1))


def hog(x, patch):
    """Histograms of oriented gradients, [B, N, C*9*cells], a token's values being (channel, bin, cell row, cell column)."""
    b, c, h, w = x.shape
    across, down = sobel(x)
    length = torch.sqrt(across**2 + down**2) * gaussian_window(patch).to(x.dtype).tile(h // patch, w // patch)
    angle = torch.atan2(across, down) / np.pi * BINS  # [-9, 9]
    votes = F.one_hot(torch.floor(angle).long() % BINS, BINS) * length[..., None]  # [B, C, H, W, 9]
    side = cell_side(patch)
    cells = patch // side
    votes = votes.reshape(b, c, h // patch, cells, side, w // patch, cells, side, BINS).sum(dim=(4, 7))
    norm = torch.sqrt((votes**2).sum(-1, keepdim=True))
    votes = votes / torch.clamp(norm, min=1e-12)  # [B, C, rows, cells, columns, cells, 9]
    return votes.permute(0, 2, 4, 1, 6, 3, 5).reshape(b, (h // patch) * (w // patch), -1)
