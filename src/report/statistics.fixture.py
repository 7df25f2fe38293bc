"""Writes statistics.fixture.json: what SciPy and NumPy say. Run: python statistics.fixture.py (needs scipy)."""

import itertools
import json
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(20261127)


def two_way(arms, seeds, missing):
    cells = [(a, s) for a in range(arms) for s in range(seeds)]
    for i in sorted(rng.choice(len(cells), missing, replace=False), reverse=True):
        cells.pop(i)
    values = rng.normal(size=len(cells))
    design = np.zeros((len(cells), arms + seeds))
    for row, (a, s) in enumerate(cells):
        design[row, a] = design[row, arms + s] = 1
    _, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    rest = values - design @ (np.linalg.pinv(design) @ values)
    degrees = len(cells) - int(rank)
    entries = [{"arm": f"arm{a}", "seed": s, "value": v} for (a, s), v in zip(cells, values.tolist())]
    deviation = float(np.sqrt(rest @ rest / degrees)) if degrees > 0 else None
    return {"entries": entries, "degrees": degrees, "deviation": deviation}


def paired(n):
    a, b = rng.normal(0.6, 0.1, n), rng.normal(0.5, 0.1, n)
    test = stats.ttest_rel(a, b)
    low, high = test.confidence_interval(0.95)
    return {"a": a.tolist(), "b": b.tolist(), "p": test.pvalue, "interval": [low, high]}


def ranks(n, ties):
    a = rng.normal(size=n)
    b = rng.integers(0, 4, n).astype(float) if ties else rng.normal(size=n)
    return {"a": a.tolist(), "b": b.tolist(), "rho": float(stats.spearmanr(a, b).statistic)}


def bootstrap(arms, seeds):
    """The exact distribution: every one of seeds ** seeds resamples once."""
    reference = np.arange(arms, dtype=float)
    scores = reference[:, None] * 0.4 + rng.normal(size=(arms, seeds))
    rhos = sorted(
        float(stats.spearmanr(scores[:, list(chosen)].mean(1), reference).statistic)
        for chosen in itertools.product(range(seeds), repeat=seeds)
    )
    quantiles = [float(np.quantile(rhos, q, method="inverted_cdf")) for q in (0.025, 0.975)]
    rho = float(stats.spearmanr(scores.mean(1), reference).statistic)
    return {"scores": scores.tolist(), "reference": reference.tolist(), "rho": rho, "interval": quantiles}


fixture = {
    "student": [
        {"t": t, "degrees": d, "p": float(2 * stats.t.sf(t, d))}
        for d in [1, 2, 3, 4, 5, 8, 13, 30, 101]
        for t in rng.uniform(0, 6, 3).tolist()
    ],
    "quantiles": [{"degrees": d, "t": float(stats.t.ppf(0.975, d))} for d in [1, 2, 3, 4, 7, 20, 21, 60, 400]],
    "paired": [paired(n) for n in (2, 3, 5, 9)],
    "twoWay": [two_way(3, 5, 0), two_way(6, 3, 0), two_way(6, 3, 5), two_way(4, 4, 6), two_way(8, 2, 3), two_way(2, 1, 0)],
    "holm": [{"p": (p := rng.uniform(0, 0.1, n)).tolist(), "adjusted": [
        float(min(1, max((n - j) * np.sort(p)[j] for j in range(n) if np.sort(p)[j] <= x))) for x in p
    ]} for n in (1, 2, 5, 12)],
    "ranks": [ranks(3, False), ranks(6, False), ranks(8, True), ranks(12, True)],
    "bootstrap": [bootstrap(6, 3), bootstrap(5, 4), bootstrap(3, 5)],
}
target = pathlib.Path(__file__).with_suffix(".json")
target.write_text(json.dumps(fixture, indent=1) + "\n")
