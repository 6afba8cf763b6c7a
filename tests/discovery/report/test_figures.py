"""Pictures are saved as PNG and PDF, the same bytes each time, and marked on failure."""

from matplotlib.figure import Figure

from discovery.report.figures import save_figures, stored_figures


def figure():
    made = Figure(figsize=(2, 1))
    made.subplots().plot([1, 2])
    return made


def test_equal_figures_give_equal_files(tmp_path):
    for folder in ("a", "b"):
        assert save_figures(iter([("one", figure())]), tmp_path / folder) == ["one"]
    for end in ("png", "pdf"):
        one, other = (tmp_path / name / f"one.{end}" for name in ("a", "b"))
        assert one.read_bytes() == other.read_bytes()


def test_a_failed_verification_is_written_on_the_figure(tmp_path):
    plain, marked = figure(), figure()
    save_figures(iter([("one", plain)]), tmp_path / "a")
    save_figures(iter([("one", marked)]), tmp_path / "b", "Verification FAILED: x.")
    assert [text.get_text() for text in marked.texts] == ["Verification FAILED: x."]
    assert not plain.texts
    stored = stored_figures(tmp_path / "b")
    assert list(stored) == ["one"]
    assert stored["one"].startswith(b"\x89PNG")
