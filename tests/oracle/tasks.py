"""The degradations, the targets and the losses."""
import numpy as np
import torch
import torch.nn.functional as F

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
EDGE_WEIGHT = 0.2
SATURATION = 0.3


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


def area(x, size):
    return F.interpolate(x, size=tuple(size), mode="area")


def make_target(x, patch, kind):
    """x [B, C, H, W] normalised by MEAN and STD -> [B, N, p*p*C]."""
    if kind == "none":
        return patchify(x, patch)
    if kind == "patch":
        x = patchify(x, patch)
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=True, keepdim=True) + 1e-6)
    y = patchify(unnormalise(x), patch)
    y = y.reshape(*y.shape[:2], patch * patch, x.shape[1])
    y = (y - y.mean(2, keepdim=True)) / (y.std(2, unbiased=True, keepdim=True) + 1e-6)
    return y.flatten(2)


# sizes ----------------------------------------------------------------------------------------


def base_task(task):
    """'masked+blurred' -> 'blurred'; 'masked' -> 'masked'."""
    return task.split("+")[-1]


def view_size(task, size):
    task = base_task(task)
    if task == "zoomed-in":
        return [side + 2 * round(side / 7) for side in size]
    if task == "zoomed-out":
        return [round(5 * side / 7) for side in size]
    return list(size)


def filter_size(size):
    return 7 if min(size) >= 96 else 3


# draws ----------------------------------------------------------------------------------------


def draw(rng, config, batch):
    """{name: array}, float32 or int32."""
    task, size = config["task"], config["image"]
    tokens = size[0] * size[1] // config["patch"] ** 2
    out = {}
    if task.startswith("masked"):
        out["order"] = np.argsort(rng.random((batch, tokens)), axis=1).astype(np.int32)
    view = view_size(task, size)
    if base_task(task) == "zoomed-out":
        out["left"] = rng.integers(0, size[1] - view[1], batch).astype(np.int32)
        out["top"] = rng.integers(0, size[0] - view[0], batch).astype(np.int32)
    elif base_task(task) == "distorted":
        out["centre"] = rng.uniform(-1, 1, (batch, 2))
        out["magnitude"] = rng.uniform(0.15, 0.25, batch)
    elif base_task(task) == "blurred":
        k = filter_size(size)
        bound = 1 / np.sqrt(3 * k * k)
        out["weight"] = rng.normal(1 / (k * k), 0.02, (batch, 3, 3, k, k))
        out["bias"] = rng.uniform(-bound, bound, (batch, 3))
    elif base_task(task) == "de-colorized" and config["colour"] == "grey":
        out["channel_weights"] = rng.uniform(0, 2 / 3, (batch, 3))
    return {k: v if v.dtype == np.int32 else v.astype(np.float32) for k, v in out.items()}


# degradations ---------------------------------------------------------------------------------


def crop_centre(x, size):
    top, left = (x.shape[2] - size[0]) // 2, (x.shape[3] - size[1]) // 2
    return x[:, :, top : top + size[0], left : left + size[1]]


def mirror_index(count, before, total):
    """Source index of each of `total` canvas positions: ... 1 0 | 0 1 ... n-1 | n-1 n-2 ..."""
    i = np.arange(total) - before
    i = np.mod(i, 2 * count)
    return torch.from_numpy(np.where(i < count, i, 2 * count - 1 - i))


def place(x, left, top, size):
    """Each image of x on a canvas of the given size, borders mirrored with the edge pixel included."""
    h, w = x.shape[2:]
    images = []
    for image, l, t in zip(x, left, top):
        images.append(image[:, mirror_index(h, int(t), size[0])][:, :, mirror_index(w, int(l), size[1])])
    return torch.stack(images)


def distort(x, centre, magnitude):
    """Samples at g + (c - g) |c - g| k."""
    h, w = x.shape[2:]
    y, xs = torch.meshgrid(
        torch.linspace(-1, 1, h, dtype=x.dtype), torch.linspace(-1, 1, w, dtype=x.dtype), indexing="ij"
    )
    grid = torch.stack([xs, y], dim=-1)[None]  # (x, y), as `centre`
    offset = centre[:, None, None, :] - grid
    grid = grid + offset * offset.norm(dim=-1, keepdim=True) * magnitude[:, None, None, None]
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def blur(x, weight, bias):
    pad = weight.shape[-1] // 2
    return torch.cat([F.conv2d(x[i : i + 1], weight[i], bias[i], padding=pad) for i in range(len(x))])


def grey(x, channel_weights):
    mixed = (x * channel_weights[:, :, None, None]).sum(1, keepdim=True)
    return mixed.expand(-1, 3, -1, -1)


def rgb_to_hsv(x):
    r, g, b = x.unbind(1)
    high, low = x.max(1).values, x.min(1).values
    chroma = high - low
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    hue = torch.where(
        high == r, ((g - b) / safe) % 6, torch.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)
    )
    saturation = torch.where(high == 0, torch.zeros_like(high), chroma / torch.where(high == 0, safe, high))
    return torch.where(chroma == 0, torch.zeros_like(hue), hue), saturation, high


def hsv_to_rgb(hue, saturation, value):
    def channel(n):
        k = (n + hue) % 6
        return value - value * saturation * torch.clamp(torch.minimum(k, 4 - k), 0, 1)

    return torch.stack([channel(5), channel(3), channel(1)], dim=1)


def desaturate(x):
    hue, saturation, value = rgb_to_hsv(unnormalise(x))
    return normalise(hsv_to_rgb(hue, SATURATION * saturation, value))


def degrade(config, view, draws):
    """The input of the encoder, before token removal."""
    task, size = base_task(config["task"]), config["image"]
    if task == "zoomed-in":
        return crop_centre(view, size)
    if task == "zoomed-out":
        return place(view, draws["left"], draws["top"], size)
    if task == "distorted":
        return distort(view, draws["centre"], draws["magnitude"])
    if task == "blurred":
        return blur(view, draws["weight"], draws["bias"])
    if task == "de-colorized":
        return desaturate(view) if config["colour"] == "saturation" else grey(view, draws["channel_weights"])
    return view


# losses ---------------------------------------------------------------------------------------


def mean_over(per_patch, order, kept):
    """Mean of [B, N] over the masked patches, or over all of them without masking."""
    if order is None:
        return per_patch.mean()
    return torch.gather(per_patch, 1, order[:, kept:]).mean()


def border_strips(x, border):
    """Top and bottom (full width), left and right (middle rows)."""
    v, h = border
    middle = x[:, :, v : x.shape[2] - v]
    return x[:, :, :v], x[:, :, x.shape[2] - v :], middle[..., :h], middle[..., x.shape[3] - h :]


def recover(config, view, draws, prediction, kept=None):
    """Returns (loss, parts, tensors); tensors holds what was compared."""
    task, size, patch, kind = base_task(config["task"]), config["image"], config["patch"], config["target"]
    order = draws.get("order")
    if task == "zoomed-in":
        full = list(view.shape[2:])
        border = [(full[0] - size[0]) // 2, (full[1] - size[1]) // 2]
        enlarged = area(unpatchify(prediction, patch, size), full)
        target = make_target(crop_centre(view, size), patch, kind)
        difference = patchify(crop_centre(enlarged, size), patch) - target
        centre = mean_over((difference**2).mean(-1), order, kept)
        whole = area(unpatchify(make_target(area(view, size), patch, kind), patch, size), full)
        strips = zip(border_strips(enlarged, border), border_strips(whole, border))
        edge = sum(((a - b) ** 2).mean() for a, b in strips)
        loss = (1 - EDGE_WEIGHT) * centre + EDGE_WEIGHT * edge
        return loss, {"centre": centre.item(), "edge": edge.item()}, {"target": target, "edge_target": whole}
    if task == "zoomed-out":
        inner = list(view.shape[2:])

        def path(patches):
            small = area(unpatchify(patches, patch, size), inner)
            return patchify(place(small, draws["left"], draws["top"], size), patch)

        target, compared = path(make_target(area(view, size), patch, kind)), path(prediction)
    else:
        target, compared = make_target(view, patch, kind), prediction
    loss = mean_over(((compared - target) ** 2).mean(-1), order, kept)
    return loss, {}, {"target": target}
