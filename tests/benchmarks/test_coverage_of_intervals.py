import numpy as np
import pandas as pd
import pytest

from benchmarks.interval_coverage import coverage, main


def test_coverage_counts_the_intervals_that_hold_the_truth():
    rng = np.random.default_rng(0)
    estimate = 2.0 + 0.1 * rng.normal(size=4000)
    rows = pd.DataFrame(
        {
            "law": "constant", "method": "curvature", "constant": "q10", "truth": 2.0,
            "estimate": estimate, "error": 0.1, "low": estimate - 0.196,
            "high": estimate + 0.196,
        }
    )  # fmt: skip
    lost = pd.DataFrame([{"law": "constant", "method": "none", "constant": ""}])
    (found,) = coverage(pd.concat([rows, lost])).to_dict("records")
    assert found["n"] == 4000
    assert found["coverage"] == pytest.approx(0.95, abs=0.015)
    assert found["error"] == pytest.approx(np.sqrt(0.95 * 0.05 / 4000), rel=0.2)
    assert found["ratio"] == pytest.approx(1.0, rel=0.05)
    assert found["width"] == pytest.approx(0.196)


@pytest.mark.slow
def test_replicates_are_kept_and_continued(tmp_path, capsys):
    options = ["--rows", "600", "--laws", "proportional", "--resamples", "20"]
    main(["--replicates", "1", "--out", str(tmp_path), *options])
    first = pd.read_csv(tmp_path / "coverage.csv")
    main(["--replicates", "2", "--out", str(tmp_path), *options])
    both = pd.read_csv(tmp_path / "coverage.csv")
    pd.testing.assert_frame_equal(both[: len(first)], first)
    assert set(both["seed"]) == {0, 1}
    assert set(both["method"]) <= {"curvature", "bootstrap", "none"}
    assert "replicates: 2" in capsys.readouterr().out
