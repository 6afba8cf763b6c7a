"""Records with a known truth behind a process."""

import numpy as np
import pandas as pd
import pytest

from sciren import LinearEncoder, Q10Respiration, ScIReN, Table


def drivers(rows, seed=0, columns=("a", "b", "c", "d")):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_normal((rows, len(columns))), columns=columns)
    frame["ta"] = 12 + 8 * rng.standard_normal(rows)
    return frame, rng


@pytest.fixture
def respiration():
    """Return (model, table, frame): rb = 3 + 0.6 a + 0.3 b^2, q10 = 1.8, 5 % noise."""
    frame, rng = drivers(400)
    rb = 3 + 0.6 * frame.a + 0.3 * frame.b**2
    clean = rb * 1.8 ** ((frame.ta - 15) / 10)
    frame["y"] = clean * (1 + 0.05 * rng.standard_normal(len(frame)))
    table = Table.from_frame(frame, ["a", "b", "c", "d"], {"ta": "ta"}, {"reco": "y"})
    return ScIReN(LinearEncoder(4, 1), "auto", Q10Respiration()), table, frame
