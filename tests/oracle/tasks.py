"""The degradations and the losses."""
import numpy as np
import torch
import torch.nn.functional as F

import decoders
import frequencies
from targets import make_target, normalise, patchify, unnormalise, unpatchify

EDGE_WEIGHT = 0.2
SATURATION = 0.3
NOISE = 75 / 255


def area(x, size):
    return F.interpolate(x, size=tuple(size), mode="area")


# sizes ----------------------------------------------------------------------------------------


def degradations(task):
    """'masked+zoomed-out+noise' -> ['zoomed-out', 'noise']; 'masked' -> []."""
    return [part for part in task.split("+") if part != "masked"]


def base_task(task):
    """The degradation that says what is recovered: 'masked+zoomed-out+noise' -> 'zoomed-out'; 'masked' -> 'masked'."""
    return (degradations(task) or ["masked"])[0]


def view_size(task, size):
    task = base_task(task)
    if task == "zoomed-in":
        return [side + 2 * round(side / 7) for side in size]
    if task == "zoomed-out":
        return [round(5 * side / 7) for side in size]
    if task == "cross-zoom":
        return [round(10 * side / 7) for side in size]
    return list(size)


def filter_size(size):
    return 7 if min(size) >= 96 else 3


# draws ----------------------------------------------------------------------------------------


def draw(rng, config, batch):
    """{name: array}, float32 or int32."""
    out = {}
    if config["task"].startswith("masked"):
        tokens = config["image"][0] * config["image"][1] // config["patch"] ** 2
        out["order"] = np.argsort(rng.random((batch, tokens)), axis=1).astype(np.int32)
    for prefix, task in zip(("", "second."), degradations(config["task"])):
        out.update({prefix + name: value for name, value in draw_one(rng, config, batch, task).items()})
    return {k: v if v.dtype == np.int32 else v.astype(np.float32) for k, v in out.items()}


def draw_one(rng, config, batch, task):
    size, out = config["image"], {}
    if task == "zoomed-out":
        view = view_size(task, size)
        out["left"] = rng.integers(0, size[1] - view[1], batch).astype(np.int32)
        out["top"] = rng.integers(0, size[0] - view[0], batch).astype(np.int32)
    elif task == "distorted":
        out["centre"] = rng.uniform(-1, 1, (batch, 2))
        out["magnitude"] = rng.uniform(0.15, 0.25, batch)
    elif task == "blurred":
        k = filter_size(size)
        bound = 1 / np.sqrt(3 * k * k)
        out["weight"] = rng.normal(1 / (k * k), 0.02, (batch, 3, 3, k, k))
        out["bias"] = rng.uniform(-bound, bound, (batch, 3))
    elif task == "de-colorized" and config["colour"] == "grey":
        out["channel_weights"] = rng.uniform(0, 2 / 3, (batch, 3))
    elif task == "noise":
        out["noise"] = rng.standard_normal((batch, config["channels"], *size))
    elif task == "frequency":
        out["low"] = (rng.integers(2) + np.arange(batch)) % 2.0  # both kinds
    elif task == "cross-zoom":
        out["side"] = np.sqrt(rng.uniform(0.3, 0.6, batch))
        out["top"], out["left"] = (rng.uniform(0, 1 - out["side"]) for _ in range(2))
        out["top"][0], out["left"][0] = 0, 1 - out["side"][0]  # a corner, where sampling reaches beyond the view
    return out


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


def add_noise(x, noise):
    return normalise(torch.clamp(unnormalise(x) + NOISE * noise, 0, 1))


def kept_frequencies(low, size):
    """bool [B, 1, H, W]: the low frequencies where low [B] is 1, else the high ones."""
    inside = torch.from_numpy(frequencies.is_low(size, frequencies.MASKED))
    return torch.stack([inside if one == 1 else ~inside for one in low])[:, None]


def mask_frequencies(x, low):
    kept = kept_frequencies(low, x.shape[2:])
    return normalise(torch.clamp(frequencies.keep(unnormalise(x), kept), 0, 1))


def crop(x, top, left, side, size):
    """A part of each view, bilinear; all three in shares of the view."""

    def line(start, count):  # [B, count], from -1 to 1 across the view
        centres = (torch.arange(count, dtype=x.dtype) + 0.5) / count
        return 2 * (start[:, None] + side[:, None] * centres) - 1

    y, xs = line(top, size[0])[:, :, None], line(left, size[1])[:, None, :]
    grid = torch.stack(torch.broadcast_tensors(xs, y), dim=-1)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def degrade(config, view, draws):
    """The input of the encoder, before token removal."""
    x = view
    for prefix, task in zip(("", "second."), degradations(config["task"])):
        x = degrade_one(config, task, x, {k[len(prefix) :]: v for k, v in draws.items() if k.startswith(prefix)})
    return x


def degrade_one(config, task, view, draws):
    size = config["image"]
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
    if task == "noise":
        return add_noise(view, draws["noise"])
    if task == "frequency":
        return mask_frequencies(view, draws["low"])
    if task == "cross-zoom":
        return crop(view, draws["top"], draws["left"], draws["side"], size)
    raise ValueError(task)


def guide_of(config, view):
    """A second image that the decoder sees, or None."""
    return area(view, config["image"]) if base_task(config["task"]) == "cross-zoom" else None


def clean(config, view, draws):
    """The picture that the prediction stands for."""
    if base_task(config["task"]) == "cross-zoom":
        return crop(view, draws["top"], draws["left"], draws["side"], config["image"])
    return area(view, config["image"])


# losses ---------------------------------------------------------------------------------------


def mean_over(per_patch, judged):
    """Mean of [B, N] over the patches [B, M] that are judged, or over all of them."""
    return per_patch.mean() if judged is None else torch.gather(per_patch, 1, judged).mean()


def frequency_loss(prediction, view, low):
    """Mean over images of the distances of the spectra at the removed frequencies, whose usual number is half of all."""
    difference = torch.fft.fft2(prediction - view, norm="ortho")
    distance = torch.sqrt(difference.real**2 + difference.imag**2 + 1e-12)
    removed = ~kept_frequencies(low, view.shape[2:]).expand(view.shape)
    usual = difference[0].numel() / 2
    return torch.stack([d[chosen].sum() / usual for d, chosen in zip(distance, removed)]).mean()


def border_strips(x, border):
    """Top and bottom (full width), left and right (middle rows)."""
    v, h = border
    middle = x[:, :, v : x.shape[2] - v]
    return x[:, :, :v], x[:, :, x.shape[2] - v :], middle[..., :h], middle[..., x.shape[3] - h :]


def recover(config, view, draws, prediction):
    """Returns (loss, parts, tensors); tensors holds what was compared."""
    task, size, patch, kind = base_task(config["task"]), config["image"], config["patch"], config["target"]
    judged = decoders.judged(config, draws.get("order"))
    if task == "frequency":
        image = unpatchify(prediction, patch, size)
        return frequency_loss(image, view, draws["low"]), {}, {"target": patchify(view, patch)}
    if task == "zoomed-in":
        full = list(view.shape[2:])
        border = [(full[0] - size[0]) // 2, (full[1] - size[1]) // 2]
        enlarged = area(unpatchify(prediction, patch, size), full)
        target = make_target(crop_centre(view, size), patch, kind)
        difference = patchify(crop_centre(enlarged, size), patch) - target
        centre = mean_over((difference**2).mean(-1), judged)
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
        target, compared = make_target(clean(config, view, draws), patch, kind), prediction
    loss = mean_over(((compared - target) ** 2).mean(-1), judged)
    return loss, {}, {"target": target}
