"""Small IDX files as idx2numpy writes them: tests/fixtures/idx. Needs NumPy and idx2numpy.

    python tests/oracle/make_idx_fixtures.py
"""

import gzip
from pathlib import Path

import idx2numpy
import numpy as np

folder = Path(__file__).parent.parent / "fixtures" / "idx"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(28)


def write(name, array, packed):
    data = idx2numpy.convert_to_string(array)
    (folder / (name + (".gz" if packed else ""))).write_bytes(gzip.compress(data, 9, mtime=0) if packed else data)


for prefix, count, packed in (("train", 12, True), ("t10k", 5, False)):
    images = rng.integers(0, 256, (count, 6, 5), dtype=np.uint8)
    labels = (np.arange(count) % 3).astype(np.uint8)
    write(f"{prefix}-images-idx3-ubyte", images, packed)
    write(f"{prefix}-labels-idx1-ubyte", labels, packed)
    np.savetxt(folder / f"{prefix}.txt", np.concatenate([images.reshape(count, -1), labels[:, None]], 1), "%d")
write("floats-images-idx3-ubyte", rng.normal(size=(2, 3, 3)).astype(np.float32), False)
