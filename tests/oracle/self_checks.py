"""Checks of the oracle against definitions written a second way."""
import colorsys

import numpy as np
import torch
import torch.nn.functional as F

import decoders
import frequencies
import targets
import tasks
import vit


def close(a, b, tolerance=1e-12):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, (a.shape, b.shape)
    assert np.abs(a - b).max() <= tolerance, np.abs(a - b).max()


def random(rng, *shape):
    return torch.from_numpy(rng.standard_normal(shape))


def check_patches(rng):
    x = random(rng, 2, 3, 8, 12)
    y = targets.patchify(x, 4)
    for n, r, q, c in [(0, 0, 0, 0), (1, 2, 3, 1), (4, 1, 0, 2), (5, 3, 3, 2)]:
        row, column = divmod(n, 3)
        close(y[1, n, (r * 4 + q) * 3 + c], x[1, c, row * 4 + r, column * 4 + q])
    close(targets.unpatchify(y, 4, [8, 12]), x)


def area_matrix(n, s):
    matrix = np.zeros((s, n))
    for i in range(s):
        begin, end = i * n // s, -(-(i + 1) * n // s)
        matrix[i, begin:end] = 1 / (end - begin)
    return matrix


def check_area(rng):
    for source, size in [((7, 10), (9, 6)), ((14, 14), (18, 18)), ((23, 34), (32, 48)), ((42, 62), (32, 48))]:
        x = random(rng, 1, 2, *source)
        rows, columns = area_matrix(source[0], size[0]), area_matrix(source[1], size[1])
        close(tasks.area(x, size), np.einsum("iy,bcyx,jx->bcij", rows, x.numpy(), columns))
        close(F.adaptive_avg_pool2d(x, size), tasks.area(x, size))


def check_distort(rng):
    x, centre = random(rng, 2, 3, 10, 14), torch.tensor([[0.3, -0.6], [-0.9, 0.2]], dtype=torch.float64)
    close(tasks.distort(x, centre, torch.zeros(2).double()), x)
    magnitude = torch.tensor([0.24, 0.9], dtype=torch.float64)
    y = tasks.distort(x, centre, magnitude)
    for b in range(2):
        for i in range(10):
            for j in range(14):
                g = np.array([-1 + 2 * j / 13, -1 + 2 * i / 9])
                d = centre[b].numpy() - g
                g = g + d * np.sqrt((d * d).sum()) * magnitude[b].item()
                px, py = (g[0] + 1) / 2 * 13, (g[1] + 1) / 2 * 9
                value = np.zeros(3)
                for r in (int(np.floor(py)), int(np.floor(py)) + 1):
                    for q in (int(np.floor(px)), int(np.floor(px)) + 1):
                        if 0 <= r < 10 and 0 <= q < 14:
                            value += x[b, :, r, q].numpy() * (1 - abs(py - r)) * (1 - abs(px - q))
                close(y[b, :, i, j], value, 1e-10)


def check_place(rng):
    x, left, top = random(rng, 2, 3, 23, 34), [0, 13], [8, 3]
    y = tasks.place(x, left, top, [32, 48])
    for b in range(2):
        pads = [(0, 0), (top[b], 32 - 23 - top[b]), (left[b], 48 - 34 - left[b])]
        close(y[b], np.pad(x[b].numpy(), pads, mode="symmetric"))


def check_colour(rng):
    x = torch.from_numpy(rng.random((2, 3, 5, 6)))
    x[0, :, 0, 0], x[0, :, 0, 1] = 0.0, 0.4
    y = targets.unnormalise(tasks.desaturate(targets.normalise(x)))
    high = x.max(1, keepdim=True).values
    close(y, high - (high - x) * tasks.SATURATION)
    for i in range(5):
        h, s, v = colorsys.rgb_to_hsv(*x[0, :, i, 2].tolist())
        close(y[0, :, i, 2], colorsys.hsv_to_rgb(h, s * tasks.SATURATION, v))
    w = torch.tensor([[0.1, 0.5, 0.2], [0.6, 0.0, 0.3]], dtype=torch.float64)
    grey = tasks.grey(x, w)
    close(grey[1, 2], 0.6 * x[1, 0] + 0.3 * x[1, 2])


def check_blur(rng):
    x, weight, bias = random(rng, 2, 3, 9, 8), random(rng, 2, 3, 3, 7, 7), random(rng, 2, 3)
    y, padded = tasks.blur(x, weight, bias), np.pad(x.numpy(), [(0, 0), (0, 0), (3, 3), (3, 3)])
    for b, o, i, j in [(0, 0, 0, 0), (1, 2, 8, 7), (1, 1, 4, 3)]:
        close(y[b, o, i, j], (padded[b, :, i : i + 7, j : j + 7] * weight[b, o].numpy()).sum() + bias[b, o].item())


def check_layers(rng):
    x, w, b = random(rng, 2, 5, 24), random(rng, 24), random(rng, 24)
    close(vit.layer_norm(x, w, b), F.layer_norm(x, (24,), w, b, 1e-6))
    close(vit.gelu(x), F.gelu(x))
    shapes = vit.block_shapes("", 24)
    p = {k: torch.from_numpy(vit.random_value(rng, k, s)) for k, s in shapes.items()}
    layer = torch.nn.TransformerEncoderLayer(24, 3, 96, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True).double()
    names = {
        "self_attn.in_proj_weight": "attn.qkv.weight", "self_attn.in_proj_bias": "attn.qkv.bias",
        "self_attn.out_proj.weight": "attn.proj.weight", "self_attn.out_proj.bias": "attn.proj.bias",
        "linear1.weight": "mlp.fc1.weight", "linear1.bias": "mlp.fc1.bias", "linear2.weight": "mlp.fc2.weight",
        "linear2.bias": "mlp.fc2.bias", "norm1.weight": "norm1.weight", "norm1.bias": "norm1.bias",
        "norm2.weight": "norm2.weight", "norm2.bias": "norm2.bias",
    }  # fmt: skip
    layer.load_state_dict({k: p[v] for k, v in names.items()})
    close(vit.block(p, "", x, 3), layer(x).detach(), 1e-11)


def check_positions():
    table = vit.sincos1d(7, 6)
    close(table[5, [2, 3]], [np.sin(5 / 10000 ** (2 / 6)), np.cos(5 / 10000 ** (2 / 6))])
    table = vit.sincos2d(4, 6, 8)  # token 15 is row 2, column 3
    f = [1, 0.01]
    half = [[np.sin(p * f[0]), np.sin(p * f[1]), np.cos(p * f[0]), np.cos(p * f[1])] for p in (3, 2)]
    close(table[15], half[0] + half[1])


def check_targets(rng):
    x = targets.normalise(torch.from_numpy(rng.random((1, 3, 8, 8))))
    y = targets.make_target(x, 4, "channel")
    patch = targets.unnormalise(x)[0, 1, 4:, :4].numpy()
    close(y[0, 2].reshape(4, 4, 3)[..., 1], (patch - patch.mean()) / (patch.std(ddof=1) + 1e-6))
    patch = x[0, :, 4:, :4].numpy().transpose(1, 2, 0).ravel()
    close(targets.make_target(x, 4, "patch")[0, 2], (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 1e-6))
    close(targets.make_target(x, 4, "none")[0, 2], patch)


def check_frequencies(rng):
    """The filters against waves that are summed one by one."""
    for size, radius in [((6, 9), frequencies.LOW_PASS), ((5, 8), frequencies.LOW_PASS), ((30, 28), frequencies.MASKED)]:
        x, (height, width) = rng.standard_normal(size), size
        y, z = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        expected = np.zeros(size)
        for k in range(-(height // 2), height - height // 2):
            for l in range(-(width // 2), width - width // 2):
                if (k / height) ** 2 + (l / width) ** 2 < float(radius) ** 2:
                    wave = np.exp(2j * np.pi * (k * y / height + l * z / width))
                    expected += (wave * (x * wave.conj()).sum()).real / (height * width)
        close(frequencies.keep(torch.from_numpy(x), frequencies.is_low(size, radius)), expected)
    for side, k, l in [(28, 3, 4), (224, -24, 32)]:  # on the circle
        low = frequencies.is_low([side, side], frequencies.LOW_PASS)
        assert not low[k, l] and not low[l, k] and low[abs(k) - 1, l]


def check_frequency_loss(rng):
    """Both kinds by the definition of the transform."""
    config = {"task": "frequency", "image": [6, 15], "patch": 3, "target": "none", "maskRatio": 0, "decoder": {}}
    view, prediction = random(rng, 2, 3, 6, 15), random(rng, 2, 10, 27)
    image = targets.unpatchify(prediction, 3, [6, 15]).numpy() - view.numpy()
    rows, columns = (np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) / n**0.5 for n in (6, 15))
    distance = np.abs(np.einsum("ky,bcyx,lx->bckl", rows, image, columns))
    low = np.zeros((6, 15), bool)
    low[0, [0, 1, 14]] = True  # 1/15 < 16/224 < 1/6
    expected = (distance[0][:, ~low].sum() + distance[1][:, low].sum()) / (3 * 6 * 15 / 2) / 2
    close(tasks.recover(config, view, {"low": torch.tensor([1.0, 0.0])}, prediction)[0], expected, 1e-9)


def check_noise(rng):
    x, noise = random(rng, 2, 3, 4, 5), random(rng, 2, 3, 4, 5)
    y = targets.unnormalise(tasks.add_noise(x, noise))
    for at in np.ndindex(*x.shape):
        value = x[at].item() * targets.STD[at[1]] + targets.MEAN[at[1]] + 75 / 255 * noise[at].item()
        close(y[at], min(1, max(0, value)))


def check_crop(rng):
    x = random(rng, 2, 3, 11, 14)
    top, left, side = (torch.tensor(v, dtype=torch.float64) for v in ([0.0, 0.3], [0.45, 0.1], [0.55, 0.6]))
    y = tasks.crop(x, top, left, side, [8, 9])
    for b, i, j in np.ndindex(2, 8, 9):
        py = (top[b] + side[b] * (i + 0.5) / 8).item() * 11 - 0.5
        px = (left[b] + side[b] * (j + 0.5) / 9).item() * 14 - 0.5
        py, px = min(max(py, 0), 10), min(max(px, 0), 13)
        r, q = min(int(py), 9), min(int(px), 12)
        above = x[b, :, r, q] * (q + 1 - px) + x[b, :, r, q + 1] * (px - q)
        below = x[b, :, r + 1, q] * (q + 1 - px) + x[b, :, r + 1, q + 1] * (px - q)
        close(y[b, :, i, j], above * (r + 1 - py) + below * (py - r), 1e-10)


def check_hog(rng):
    """Pixel by pixel, the angle in degrees."""
    for patch, cell, (height, width) in [(8, 8, (16, 8)), (5, 5, (5, 10)), (16, 8, (16, 32)), (1, 1, (3, 2))]:
        x = rng.standard_normal((2, height, width))
        padded = np.pad(x, [(0, 0), (1, 1), (1, 1)], mode="reflect")
        counts = np.zeros((2, 9, height // cell, width // cell))
        for c, i, j in np.ndindex(2, height, width):
            square = padded[c, i : i + 3, j : j + 3]
            across = square[:, 0] @ [1, 2, 1] - square[:, 2] @ [1, 2, 1]
            down = square[0] @ [1, 2, 1] - square[2] @ [1, 2, 1]
            degrees = np.degrees(np.arctan2(across, down)) % 180
            r, q = (n % patch - (patch - 1) / 2 for n in (i, j))
            weight = np.exp(-(r * r + q * q) / (2 * max(1, patch // 2) ** 2))
            counts[c, int(degrees // 20) % 9, i // cell, j // cell] += weight * np.hypot(across, down)
        counts /= np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-300)
        got, cells = targets.make_target(torch.from_numpy(x)[None], patch, "hog")[0], patch // cell
        for n, values in enumerate(got):
            row, column = (cells * at for at in divmod(n, width // patch))
            close(values, counts[:, :, row : row + cells, column : column + cells].ravel(), 1e-9)


def check_cross_block(rng):
    shapes = decoders.cross_block_shapes("", 24, 20)
    p = {k: random(rng, *s) for k, s in shapes.items()}
    x, context = random(rng, 2, 5, 24), random(rng, 2, 7, 20)
    layer = torch.nn.MultiheadAttention(24, 3, kdim=20, vdim=20, batch_first=True).double()
    keys, values = p["cross_attn.kv.weight"].chunk(2)
    names = {
        "q_proj_weight": p["cross_attn.q.weight"], "k_proj_weight": keys, "v_proj_weight": values,
        "in_proj_bias": torch.cat([p["cross_attn.q.bias"], p["cross_attn.kv.bias"]]),
        "out_proj.weight": p["cross_attn.proj.weight"], "out_proj.bias": p["cross_attn.proj.bias"],
    }  # fmt: skip
    layer.load_state_dict(names)
    y = x + layer(F.layer_norm(x, (24,), p["norm1.weight"], p["norm1.bias"], 1e-6), context, context)[0]
    z = F.layer_norm(y, (24,), p["norm2.weight"], p["norm2.bias"], 1e-6)
    z = F.gelu(F.linear(z, p["mlp.fc1.weight"], p["mlp.fc1.bias"]))
    expected = y + F.linear(z, p["mlp.fc2.weight"], p["mlp.fc2.bias"])
    close(decoders.cross_block(p, "", x, context, 3), expected.detach(), 1e-9)


def check_judged():
    order = torch.tensor([[4, 0, 9, 3, 7, 1, 8, 2, 6, 5]])
    for ratio, share, expected in [
        (0.75, 1, [9, 3, 7, 1, 8, 2, 6, 5]), (0.75, 0.5, [9, 7, 8, 6]), (0.75, 0.4, [9, 7, 2]), (0.75, 0.01, [9]),
        (0.25, 0.5, [2, 6]),
    ]:  # fmt: skip
        config = {"maskRatio": ratio, "decoder": {"share": share}}
        assert decoders.judged(config, order).tolist() == [expected], (share, decoders.judged(config, order))


def check_zoomed_in(rng):
    """Both terms with explicit averaging matrices and slices."""
    config = {"task": "zoomed-in", "image": [24, 40], "patch": 8, "target": "channel", "maskRatio": 0.75, "decoder": {}}
    view, prediction = random(rng, 1, 3, 30, 52), random(rng, 1, 15, 192)
    order = torch.from_numpy(rng.permutation(15))[None]
    up, down = [area_matrix(24, 30), area_matrix(40, 52)], [area_matrix(30, 24), area_matrix(52, 40)]

    def resize(x, matrices):
        return np.einsum("iy,cyx,jx->cij", matrices[0], x, matrices[1])

    def normalised(x):  # [3, 24, 40], each 8x8 block of each channel
        out = np.zeros_like(x)
        for c in range(3):
            for y in range(0, 24, 8):
                for z in range(0, 40, 8):
                    cell = x[c, y : y + 8, z : z + 8] * targets.STD[c] + targets.MEAN[c]
                    out[c, y : y + 8, z : z + 8] = (cell - cell.mean()) / (cell.std(ddof=1) + 1e-6)
        return out

    image = np.zeros((3, 24, 40))
    for n in range(15):
        y, z = 8 * (n // 5), 8 * (n % 5)
        image[:, y : y + 8, z : z + 8] = prediction[0, n].numpy().reshape(8, 8, 3).transpose(2, 0, 1)
    full, x = resize(image, up), view[0].numpy()
    squares = (full[:, 3:27, 6:46] - normalised(x[:, 3:27, 6:46])) ** 2
    masked = order[0, 3:].tolist()
    blocks = [squares[:, 8 * (n // 5) :, 8 * (n % 5) :][:, :8, :8].mean() for n in masked]
    squares = (full - resize(normalised(resize(x, down)), up)) ** 2
    edge = squares[:, :3].mean() + squares[:, 27:].mean()
    edge += squares[:, 3:27, :6].mean() + squares[:, 3:27, 46:].mean()
    loss, parts, _ = tasks.recover(config, view, {"order": order}, prediction)
    close([parts["centre"], parts["edge"]], [np.mean(blocks), edge], 1e-11)
    close(loss, 0.8 * np.mean(blocks) + 0.2 * edge, 1e-11)


def check_masking(config, p, image, order, guide):
    """Removed pixels have no influence, the order of the kept tokens neither; ratio 0 removes nothing."""
    kept = vit.keep_count(order.shape[1], config["maskRatio"])
    base = decoders.predict(p, config, image, order, guide)
    patches = targets.patchify(image, config["patch"]).clone()
    for row, ids in zip(patches, order):
        row[ids[kept:]] = 7.0
    holes = targets.unpatchify(patches, config["patch"], config["image"])
    close(decoders.predict(p, config, holes, order, guide), base)
    flipped = torch.cat([order[:, :kept].flip(1), order[:, kept:].flip(1)], dim=1)
    close(decoders.predict(p, config, image, flipped, guide), base, 1e-11)
    whole = decoders.predict(p, config, image, None, guide)
    close(decoders.predict(p, {**config, "maskRatio": 0}, image, order, guide), whole, 1e-11)


def check_cross(config, p, image, order, guide):
    """A patch's prediction depends on its own position alone, and on the guide; biases of keys change nothing."""
    base = decoders.predict(p, config, image, order, guide)
    moved = {**p, "decoder_pos_embed": p["decoder_pos_embed"].clone()}
    moved["decoder_pos_embed"][:, -1, ::2] += 1
    change = (decoders.predict(moved, config, image, order, guide) - base).abs().amax(dim=(0, 2))
    assert change[-1] > 1e-3 and change[:-1].max() < 1e-11, change
    biased = dict(p)
    for name in p:
        if name.endswith("cross_attn.kv.bias"):
            biased[name] = p[name] + torch.arange(len(p[name])).lt(len(p[name]) // 2)
    close(decoders.predict(biased, config, image, order, guide), base, 1e-11)
    if guide is not None:
        assert (decoders.predict(p, config, image, order) - base).abs().max() > 1e-3


def check_perfect_prediction(config, view, draws):
    """The target of the whole picture as prediction: no edge term (zoomed-in), no loss (others)."""
    perfect = targets.make_target(tasks.clean(config, view, draws), config["patch"], config["target"])
    loss, parts, _ = tasks.recover(config, view, draws, perfect)
    if tasks.base_task(config["task"]) == "frequency":
        close(loss, 1e-6, 1e-12)
    else:
        assert (parts["edge"] if parts else loss.item()) < 1e-24


def check_gradient(rng, loss_of, p, trained, step=1e-6):
    """Central differences along a random direction, and for single entries."""
    directions = [{k: random(rng, *p[k].shape) for k in trained}]
    for name in ("patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "decoder_pred.bias"):
        one = torch.zeros_like(p[name])
        one.view(-1)[int(p[name].grad.abs().argmax())] = 1
        directions.append({name: one})
    for direction in directions:
        with torch.no_grad():
            plus = loss_of({k: v + step * direction[k] if k in direction else v for k, v in p.items()})
            minus = loss_of({k: v - step * direction[k] if k in direction else v for k, v in p.items()})
        numeric = (plus - minus).item() / (2 * step)
        exact = sum((p[k].grad * d).sum().item() for k, d in direction.items() if p[k].grad is not None)
        assert abs(numeric - exact) <= 1e-6 * max(1, abs(exact)), (numeric, exact)


def run_all():
    rng = np.random.default_rng(7)
    for check in (
        check_patches, check_area, check_distort, check_place, check_colour, check_blur, check_layers, check_targets,
        check_zoomed_in, check_frequencies, check_frequency_loss, check_noise, check_crop, check_hog, check_cross_block,
    ):  # fmt: skip
        check(rng)
    check_positions()
    check_judged()
    assert [tasks.view_size(t, [224, 224])[0] for t in ("zoomed-in", "zoomed-out", "masked")] == [288, 160, 224]
    assert [vit.keep_count(196, 0.75), vit.keep_count(15, 0.55), vit.keep_count(24, 0)] == [49, 6, 24]
