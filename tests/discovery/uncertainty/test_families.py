"""Which families lie inside a band, and what is said where the chosen form does not."""

import numpy as np
import pandas as pd

from discovery.uncertainty.families import families_inside, with_bands
from sciren.inference.intervals.bands import Band


def band(curve, width):
    x = np.linspace(-2.0, 2.0, 60)
    y = curve(x) - curve(x).mean()
    return Band("x", "rb", x, y, y - width, y + width, 2.9, 0.95)


def test_a_narrow_band_of_a_parabola_holds_a_parabola_alone():
    inside = families_inside(band(np.square, 0.01))
    assert "quadratic" in inside
    assert not {"constant", "linear", "abs"} & set(inside)


def test_a_wide_band_holds_simple_families_too():
    inside = families_inside(band(lambda x: np.exp(0.2 * x), 0.1))
    assert {"linear", "quadratic", "exp"} <= set(inside)
    assert "constant" in families_inside(band(lambda x: 0.01 * x, 0.1))


def test_edges_without_a_band_stay_empty():
    class Known:
        def band(self, source, latent):
            return {"inside": False, "families": ["exp"]} if source == "a" else None

    edges = pd.DataFrame({"source": ["a", "b"], "latent": ["rb", "rb"]})
    found = with_bands(edges, Known())  # type: ignore[arg-type]
    assert found["inside_band"].tolist() == ["0", ""]
    assert found["families_inside"].tolist() == ["exp", ""]
    assert with_bands(edges, None) is edges
