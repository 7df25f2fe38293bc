"""Arrays as NumPy writes them, and cosine neighbours by NumPy: tests/fixtures/npy/. Needs numpy."""

import json
from pathlib import Path

import numpy as np

folder = Path(__file__).parent.parent / "fixtures" / "npy"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(15)

arrays = {}
for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
    for order in "<>":
        values = rng.normal(0, 40, (3, 2, 2))
        arrays[f"{name}-{'little' if order == '<' else 'big'}"] = np.abs(values).astype(order + name) if name[0] == "u" else values.astype(order + name)
arrays["bool"] = rng.random((5,)) > 0.5
arrays["fortran"] = np.asfortranarray(rng.normal(size=(3, 4, 2)).astype("f4"))
arrays["fortran-big"] = np.asfortranarray(rng.integers(-9, 9, (2, 5)).astype(">i8"))
arrays["scalar"] = np.array(7.5)
arrays["empty"] = np.zeros((0, 4), "f4")

values = {}
for name, array in arrays.items():
    np.save(folder / f"{name}.npy", array)
    values[name] = {"shape": list(array.shape), "values": [str(x) for x in array.reshape(-1).astype("f8" if array.dtype.kind == "f" else "O").tolist()]}
for version in ((2, 0), (3, 0)):
    array = np.arange(6, dtype="f4").reshape(2, 3)
    name = f"version-{version[0]}"
    with open(folder / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)
    values[name] = {"shape": [2, 3], "values": [str(x) for x in array.reshape(-1).tolist()]}
# What is refused.
np.save(folder / "refused-object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
np.save(folder / "refused-text.npy", np.array(["cat", "dog"]))
np.save(folder / "refused-complex.npy", np.array([1j]))
np.save(folder / "refused-record.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
(folder / "values.json").write_text(json.dumps(values) + "\n")

features = rng.normal(size=(40, 7)).astype("f4")
features[11] = features[4]  # a tie
features[20] = 0
queries = np.concatenate([features[:3], rng.normal(size=(3, 7)).astype("f4")])
wide, asked = features.astype("f8"), queries.astype("f8")
lengths = np.linalg.norm(wide, axis=1)[:, None] * np.linalg.norm(asked, axis=1)[None]
cosines = np.divide(wide @ asked.T, lengths, out=np.zeros((40, 6)), where=lengths > 0)
order = np.argsort(-cosines, axis=0, kind="stable")
neighbours = [
    {"rows": order[:9, q].tolist(), "similarities": cosines[order[:9, q], q].tolist()} for q in range(6)
]
np.save(folder / "features.npy", features)
np.save(folder / "queries.npy", queries)
(folder / "neighbours.json").write_text(json.dumps(neighbours) + "\n")
