"""Label-free measures of features, by NumPy and SciPy: tests/fixtures/panel.safetensors. Needs both."""

import json
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist, pdist, squareform

from safetensors_io import save

rng = np.random.default_rng(27)


def effective_rank(spectrum, epsilon):
    shares = spectrum / spectrum.sum() + epsilon
    return float(np.exp(-(shares * np.log(shares)).sum()))


def rank_me(z):
    return effective_rank(np.linalg.svd(z, compute_uv=False), 1e-7)


def spectrum(z):
    values = np.linalg.eigvalsh(np.cov(z, rowvar=False))[::-1]
    return values[: min(z.shape[1], len(z) - 1)]


def alpha_req(z):
    values = spectrum(z)
    i = np.arange(10, min(100, len(values)) + 1)
    i = i[values[i - 1] > 1e-12 * values[0]]
    return float(-np.polyfit(np.log(i), np.log(values[i - 1]), 1, w=np.sqrt(1 / i))[0])


def dead(z):
    values = spectrum(z)
    return float((values < 1e-4 * values[0]).mean())


def cosine(z):
    return float(1 - pdist(z, "cosine").mean())


def id_est(z, order):
    sizes = [round(len(z) * 0.1 ** ((7 - i) / 7)) for i in range(8)]
    lengths = [minimum_spanning_tree(squareform(pdist(z[order[:n]]))).sum() for n in sizes]
    return float(1 / (1 - np.polyfit(np.log(sizes), np.log(lengths), 1)[0]))


def lidar(views):
    n, q, d = views.shape
    means = views.mean(1)
    between = np.cov(means, rowvar=False)
    apart = (views - means[:, None]).reshape(-1, d)
    within = apart.T @ apart / (n * (q - 1)) + 1e-4 * np.eye(d)
    values, vectors = np.linalg.eigh(within)
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    found = np.linalg.eigvalsh(root @ between @ root)[::-1][: min(n, d)]
    return effective_rank(np.maximum(found, 0), 1e-7)


def clusters(x, k):
    k = min(k, len(x))
    centres = x[[c * len(x) // k for c in range(k)]].copy()
    labels = None
    for _ in range(20):
        new = cdist(x, centres, "sqeuclidean").argmin(1)
        if labels is not None and (new == labels).all():
            break
        labels = new
        for c in range(k):
            if (labels == c).any():
                centres[c] = x[labels == c].mean(0)
    return centres, labels


def extents(x, k):
    centres, labels = clusters(x, k)
    found = []
    for c in range(len(centres)):
        own = x[labels == c]
        if len(own) > 1:
            sigma = np.linalg.svd(own - own.mean(0), compute_uv=False)
            found.append(sigma.sum() / np.sqrt(max(len(own) - 1, x.shape[1])))
    distances = cdist(x, centres)
    distances[np.arange(len(x)), labels] = np.inf
    return found, distances.min(1).mean()


def dse(tokens):
    images, count, width = tokens.shape
    flat = tokens.reshape(-1, width)
    unit = np.linalg.norm(flat - flat.mean(0), axis=1).mean()
    single = np.mean([np.mean(extents(own, 3)[0]) for own in tokens])
    joint, apart = [], []
    for first in range(0, images, 8):
        found, distance = extents(tokens[first : first + 8].reshape(-1, width), 24)
        joint += found
        apart.append(distance)
    ranks = []
    for n in range(count):
        rows = np.stack([tokens[i, (n + i) % count] for i in range(images)])
        ranks.append(effective_rank(np.linalg.svd(rows, compute_uv=False), 1e-12) / min(rows.shape))
    return float(np.mean(apart) / unit + np.mean(ranks) - (np.mean(joint) + single) / (2 * unit))


def linear(z, labels):
    """Each row by a ridge regression on all others: n separate solutions."""
    x = (z - z.mean(0)) / np.where(z.std(0) > 0, z.std(0), 1)
    y = np.eye(labels.max() + 1)[labels]
    right = 0
    for i in range(len(z)):
        rest = np.arange(len(z)) != i
        a = np.column_stack([x[rest], np.ones(rest.sum())])
        penalty = np.diag([0.03 * len(z)] * x.shape[1] + [0])
        solution = np.linalg.solve(a.T @ a + penalty, a.T @ y[rest])
        right += int((np.append(x[i], 1) @ solution).argmax() == labels[i])
    return right / len(z)


def decaying(count, width, power):
    mixing = np.linalg.qr(rng.normal(size=(width, width)))[0]
    return rng.normal(size=(count, width)) * np.arange(1, width + 1) ** -power @ mixing + rng.normal(size=width)


tensors, scores = {}, {}
for name, (count, width, power) in {"wide": (60, 70, 0.7), "tall": (90, 24, 0.5), "even": (60, 20, 0.0)}.items():
    z = decaying(count, width, power).astype(np.float32)
    labels = rng.integers(0, 4, count)
    z[np.arange(count), labels] += 1.5
    order = rng.permutation(count)
    tensors |= {f"{name}.features": z, f"{name}.order": order, f"{name}.labels": labels}
    z = z.astype(np.float64)
    scores[name] = {
        "rankMe": rank_me(z),
        "alphaReq": alpha_req(z),
        "deadDirections": dead(z),
        "meanCosine": cosine(z),
        "idEst": id_est(z, order),
        "linear": linear(z, labels),
    }
for name, (images, views, width) in {"views": (12, 4, 16), "few": (6, 3, 16)}.items():
    centres = decaying(images, width, 0.5)
    rows = (centres[:, None] + 0.3 * rng.normal(size=(images, views, width))).astype(np.float32)
    tensors[f"{name}.views"] = rows
    scores[name] = {"lidar": lidar(rows.astype(np.float64))}
for name, (images, count, width) in {"tokens": (10, 12, 8), "patches": (3, 24, 12)}.items():
    kinds = 3 * rng.normal(size=(5, width))
    rows = kinds[rng.integers(0, 5, (images, count))] + rng.normal(size=(images, count, width))
    tensors[f"{name}.tokens"] = rows.astype(np.float32)
    scores[name] = {"dse": dse(tensors[f"{name}.tokens"].astype(np.float64))}
path = Path(__file__).parent.parent / "fixtures" / "panel.safetensors"
save(path, tensors, {"scores": json.dumps(scores)})
