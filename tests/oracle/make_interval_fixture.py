"""Wilson's intervals by SciPy: tests/fixtures/intervals.json. Needs scipy."""

import json
import random
from pathlib import Path

from scipy.stats import binomtest

rng = random.Random(20)
cases = [(0, 1), (1, 1), (3, 6), (0, 6), (6, 6), (27, 54), (54, 54), (8320, 10000)]
cases += [(rng.randint(0, n), n) for n in (rng.randint(1, 3000) for _ in range(24))]
rows = []
for right, images in cases:
    interval = binomtest(right, images).proportion_ci(method="wilson")
    rows.append([right, images, float(interval.low), float(interval.high)])
path = Path(__file__).parent.parent / "fixtures" / "intervals.json"
path.write_text(json.dumps(rows) + "\n")
