import numpy as np
import pytest

from benchmarks.curve_recovery import CURVES, draw_inner, draw_points, member, outsider
from benchmarks.edge_speed import digest, main, scattered
from benchmarks.spline_recovery import member as trained_member


@pytest.mark.parametrize("family", CURVES[1:])
@pytest.mark.parametrize("seed", range(5))
def test_hard_members_are_hard(family, seed):
    rng = np.random.default_rng(seed)
    drawn = None
    while drawn is None:
        z = draw_points(rng, 1000)
        drawn = draw_inner(family, z, True, rng)
    form, inner = drawn
    y = form.value(z, np.array([1.0, *inner, 0.0]))
    assert np.isfinite(y).all()
    if family == "abs":
        share = (inner[0] - z.min()) / np.ptp(z)
        assert min(share, 1 - share) < 0.1
        assert min(np.sum(z < inner[0]), np.sum(z > inner[0])) >= 5
    elif inner[0] > 1.06 or family != "log":
        left = y - np.polyval(np.polyfit(z, y, 1), z)
        assert 0 < np.var(left) / np.var(y) < 0.01


@pytest.mark.parametrize("family", CURVES)
def test_a_member_is_found_with_its_constants(family):
    outcome = member(family, 5, False)
    assert outcome.truth in outcome.fit.equals
    assert outcome.constants_right


def test_a_curve_outside_is_drawn_only_where_families_miss_it():
    outcome = outsider("sine", 0)
    assert outcome is not None
    assert outcome.fit.refused


@pytest.mark.slow
def test_a_trained_spline_keeps_its_family():
    assert trained_member("abs", 0.1, 3000).equation == "abs"


def test_a_digest_tells_runs_apart_and_equal_runs_not():
    one, again, other = (digest(scattered(2, seed)) for seed in (0, 0, 1))
    assert one == again
    assert one != other


@pytest.mark.slow
def test_speed_is_told_for_both_kinds_of_curves_with_the_same_bits(capsys):
    main(["--edges", "12"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" 12 edges")[0].strip() for line in lines] == [
        "scattered points",
        "learned curves",
    ]
    assert all("same bits twice" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_trained_curves_are_named_by_their_errors(noise):
    answers = [trained_member(family, noise, 3001) for family in CURVES]
    inside = [a.truth in a.equals or a.edge == a.truth for a in answers]
    assert sum(inside) >= 4
    assert all(a.equation != "constant" for a in answers)
