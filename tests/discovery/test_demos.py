"""The demo finds the equation behind the simulated record."""

import pytest

from discovery import Discovery
from discovery.demos import demo_respiration, respiration_config
from discovery.summary import summary


def test_all_three_features_are_offered_with_the_published_split(tmp_path):
    config = respiration_config(tmp_path / "run", "abs", 3)
    assert config.features == ("sw_pot", "dsw_pot", "ta")
    assert config.data.dataset.settings == {"setting": "abs", "seed": 3}
    assert config.split.kind == "column"
    assert config.encoder.hidden == "auto"
    assert (config.seed, config.out) == (3, tmp_path / "run")


@pytest.mark.slow
def test_the_demo_ends_with_a_verified_equation(tmp_path):
    folder = demo_respiration(tmp_path / "run", "linear", 0, quiet=True)
    found = Discovery.load(folder)
    assert found.verdict == "PASS"
    values = found.constants.set_index("constant")["estimate"]
    assert values["a_sw_pot"] == pytest.approx(0.0075, rel=0.02)
    assert values["a_dsw_pot"] == pytest.approx(-0.00375, rel=0.02)
    assert values["q10"] == pytest.approx(1.5, abs=0.01)
    assert {"sw_pot", "dsw_pot"} == {
        str(one) for one in found.sympy()["rb"].free_symbols
    }
    text = summary(folder)
    assert "q10 = 1.50" in text
    assert "verification: PASS" in text
    assert "truth: rb = 0.0075*sw_pot - 0.00375*dsw_pot + 1.03506858" in text
