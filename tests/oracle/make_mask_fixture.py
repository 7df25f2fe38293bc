"""
Writes masks.json: the mean spectrum of masks of green noise (ColorMAE, arXiv 2407.13036), in NumPy.

White noise is filtered by the difference of two sampled Gaussians of deviations 0.5 and 2 patches, borders joined; the quarter
of highest values is visible. Powers are those of the masks less their mean, by bands of frequency in cycles per patch.
"""
import json
import os

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "masks.json")
EDGES = [0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.71]
MASKS = 20_000


def response(n, deviation):
    """Of a sampled Gaussian of sum 1, at the frequencies of numpy.fft."""
    places = np.arange(-50, 51)
    weights = np.exp(-0.5 * (places / deviation) ** 2)
    return np.cos(2 * np.pi * np.outer(np.fft.fftfreq(n), places)) @ weights / weights.sum()


def bands(grid):
    """Share of the power in each band, for a quarter of visible tokens."""
    rng = np.random.default_rng(23)
    frequencies = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in grid), indexing="ij"))
    fine, coarse = (np.outer(*(response(n, deviation) for n in grid)) for deviation in (0.5, 2))
    white = rng.standard_normal((MASKS, *grid))
    green = np.fft.ifft2(np.fft.fft2(white) * (fine - coarse)).real.reshape(MASKS, -1)
    visible = np.zeros_like(green)
    np.put_along_axis(visible, np.argsort(-green, axis=1)[:, : green.shape[1] // 4], 1, axis=1)
    power = (np.abs(np.fft.fft2(visible.reshape(MASKS, *grid))) ** 2).mean(0)
    power[0, 0] = 0
    shares = [power[(frequencies >= low) & (frequencies < high)].sum() for low, high in zip(EDGES, EDGES[1:])]
    return (np.array(shares) / power.sum()).round(5).tolist()


def main():
    grids = [[14, 14], [12, 20]]
    with open(OUT, "w") as file:
        json.dump({"edges": EDGES, "green": [{"grid": grid, "shares": bands(grid)} for grid in grids]}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
