"""The sentence on where an equation fails names a pattern that is there, and no other."""

import numpy as np

from discovery.report.failures import failures
from discovery.results.views.residuals import grouped_means


def views_of(residual, x, blocks, **told):
    told = {"name": "ta", "kind": "feature", "unit": "degC"} | told
    return {
        "rows": {"units": {"gpp": "g"}},
        "residuals": {"gpp": [told | grouped_means(x, residual, blocks)]},
    }


def noise(seed):
    rng = np.random.default_rng(seed)
    blocks = np.repeat(np.arange(100), 6)
    return rng.uniform(0, 30, 600), rng.standard_normal(600), blocks


def test_a_pattern_is_named_with_its_place_size_and_side():
    x, residual, blocks = noise(0)
    (sentence,) = failures(views_of(residual - 2.0 * (x > 26), x, blocks))
    assert sentence.startswith("It fails most where ta is near 2")
    assert "g below the prediction (95 % " in sentence


def test_noise_alone_is_called_a_failure_in_one_of_twenty_at_most():
    told = [failures(views_of(*_turned(seed)))[0] for seed in range(100, 300)]
    assert np.mean([text.startswith("It fails") for text in told]) < 0.09


def _turned(seed):
    x, residual, blocks = noise(seed)
    return residual, x, blocks


def test_months_hours_and_classes_are_named_as_people_do():
    x, residual, blocks = noise(1)
    month = np.floor(x / 3) + 1
    wrong = residual + 3.0 * (month == 7)
    for kind, words in (("season", "in month 7:"), ("hour", "at 7 h:")):
        (sentence,) = failures(views_of(wrong, month, blocks, kind=kind))
        assert f"It fails most {words}" in sentence
    labels = [f"class {k}" for k in range(1, 11)]
    (sentence,) = failures(views_of(wrong, month, blocks, labels=labels))
    assert "where ta is class 7:" in sentence


def test_a_pattern_that_is_a_trifle_beside_the_spread_is_not_named():
    x, residual, blocks = noise(0)
    views = views_of(1e-6 * residual - 1e-5 * (x > 26), x, blocks)
    views["rows"]["observed"] = {"gpp": [1.0, 2.0, None, 5.0]}
    (sentence,) = failures(views)
    assert sentence.startswith("No clear pattern")


def test_without_residuals_or_blocks_nothing_is_said():
    assert failures({}) == []
    x, residual, blocks = noise(2)
    views = views_of(residual, x, np.zeros_like(blocks))
    assert failures(views) == []
