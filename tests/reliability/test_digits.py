"""One changed digit anywhere in a run is refused by the name of its file."""

from benchmarks.reliability.digits import altered_digits
from benchmarks.reliability.score import Attempts
from discovery.runs.manifest import owned_files, read_manifest, write_manifest


def test_every_changed_digit_is_noticed(attacked):
    score = altered_digits(attacked, Attempts(200))
    assert (score.tried, score.missed) == (200, ()), score.line()


def test_the_harness_sees_a_file_that_the_manifest_leaves_out(attacked, monkeypatch):
    data = read_manifest(attacked)["data"]
    listed = [path for path in owned_files(attacked) if path.name != "metrics.json"]
    with monkeypatch.context() as patch:
        patch.setattr("discovery.runs.manifest.owned_files", lambda folder: listed)
        write_manifest(attacked, data, None)
    score = altered_digits(attacked, Attempts(200))
    assert score.missed
    assert all("metrics.json, byte" in text for text in score.missed)
