"""Parquet files of features as pandas and pyarrow write them: tests/fixtures/npy/*.parquet.

Needs NumPy, pandas and pyarrow. Run make_npy_fixture.py first.
"""

from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet

folder = Path(__file__).parent.parent / "fixtures" / "npy"
features = np.load(folder / "features.npy")
names = [f"image {i}.png" for i in range(len(features))]
pandas.DataFrame({"file": names, "feature": list(features)}).to_parquet(folder / "features-pandas.parquet")
lists = pyarrow.array([row.tolist() for row in features], pyarrow.list_(pyarrow.float32()))
pyarrow.parquet.write_table(pyarrow.table({"feature": lists}), folder / "features-pyarrow.parquet", compression="NONE", use_dictionary=False)
pyarrow.parquet.write_table(pyarrow.table({"name": names, "x": features[:, 0]}), folder / "other-columns.parquet")
