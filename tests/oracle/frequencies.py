"""Ideal filters in the two-dimensional spectrum."""
from fractions import Fraction

import numpy as np
import torch


def is_low(size, radius):
    """
    bool [H, W] in the order of numpy.fft: whether frequency (k, l) has (k/H)² + (l/W)² < radius².
    In whole numbers, so that frequencies on the circle are high ones. radius: a Fraction of the side.
    """
    rows, columns = ([i if 2 * i <= n else i - n for i in range(n)] for n in size)
    height, width = size
    bound = (radius.numerator * height * width) ** 2
    scale = radius.denominator
    return np.array([[(scale * k * width) ** 2 + (scale * l * height) ** 2 < bound for l in columns] for k in rows])


def keep(x, mask):
    """x [..., H, W] with the frequencies of a mask alone: [H, W], or [B, 1, H, W] for each image."""
    return torch.fft.ifft2(torch.fft.fft2(x) * torch.as_tensor(mask)).real


LOW_PASS = Fraction(40, 224)  # PixMIM
MASKED = Fraction(16, 224)  # MFM
