"""Cases of straight lines are drawn from their seed, and their latents are lines."""

import numpy as np
import pytest

from benchmarks.straight_lines import LEVEL, PROCESSES, record


@pytest.mark.parametrize("seed", [0, 5, 10])
def test_a_case_is_its_seed(seed):
    one, other = record(seed), record(seed)
    np.testing.assert_array_equal(one.target, other.target)
    assert one.frame.equals(other.frame)
    assert one.process == PROCESSES[seed // 4 % 3]
    assert not np.array_equal(one.target, record(seed + 12).target)


def test_the_target_seen_directly_scatters_about_a_line_of_the_features():
    case = record(0)
    assert case.process == "none"
    columns = np.column_stack([np.ones(len(case.target)), case.frame[["a", "b"]]])
    level, *slopes = np.linalg.lstsq(columns, case.target, rcond=None)[0]
    assert level == pytest.approx(LEVEL, abs=0.1)
    assert max(np.abs(slopes)) == pytest.approx(0.25, abs=0.06)
