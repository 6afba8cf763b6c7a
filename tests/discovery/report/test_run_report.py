"""The report of a run comes from its folder alone and says everything."""

import json

import pytest

from discovery.report.page import render_report
from discovery.report.run_report import report_data, write_report
from discovery.verdict.placebos.controls import Controls, Placebo
from sciren.errors import DataError


def test_the_report_can_be_written_again_and_is_the_same(light):
    before = (light / "report.html").read_bytes()
    (light / "report.html").unlink()
    assert write_report(light) == light / "report.html"
    assert (light / "report.html").read_bytes() == before


def test_it_needs_neither_data_nor_network(light):
    (light / "model.safetensors").unlink()
    assert b"faithful: <strong>yes" in write_report(light).read_bytes()


def test_every_table_and_picture_is_there(light):
    data = report_data(light)
    assert data.consistency == "PASS"
    assert data.title == "gpp: light_use"
    assert [equation.name for equation in data.equations] == ["efficiency"]
    latex = data.equations[0].latex
    assert latex.startswith(r"\mathrm{efficiency} = ")
    assert latex.endswith(r", \quad 0 \le \mathrm{efficiency}")
    assert data.equations[0].unit == "g MJ-1"
    assert data.decoder is not None
    assert data.decoder.text == "gpp = efficiency*par/(par/half + 1)"
    assert set(data.figures) == {
        "edges", "graph", "history", "latents", "observed", "profiles"
    }  # fmt: skip
    assert data.metrics["model"].drop_duplicates().tolist() == [
        "equation", "network", "constant latents", "perceptron"
    ]  # fmt: skip
    assert "efficiency (true latent)" in set(data.metrics["target"])
    assert data.constants["constant"].tolist()[0] == "half"
    assert data.profiles["profile of"].tolist()[0] == "kept features"
    assert len(data.verification) == 5
    assert data.provenance["torch"]
    assert data.data["train part"].endswith("blocks")
    assert data.data["rows read"] == data.data["rows without gaps"] == 600
    assert any("efficiency depends on ta" in line for line in data.summary)
    assert not data.warnings


def test_a_number_of_the_equation_is_told_from_the_recommended_one(light):
    row = next(
        line
        for line in (light / "equations.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| half ")
    )
    shown = row.split("|")[3].split()[0]
    recommended = (
        f"{report_data(light).constants['estimate'].iloc[0]:.{len(shown) - 2}f}"
    )
    assert (f"recommended {recommended}" in row) == (recommended != shown)


def test_a_family_is_not_listed_as_its_own_rival(light):
    edges = report_data(light).edges
    for equals, family in zip(edges["equals"], edges["family"], strict=True):
        assert family not in equals.split(", ")


def test_the_page_says_first_what_was_found_and_then_whether_to_believe_it(light):
    page = write_report(light).read_text(encoding="utf-8")
    verdict = report_data(light).verdict
    order = [
        page.index(words)
        for words in (
            f"<strong>{verdict.headline.capitalize()}", 'id="found"', "efficiency rises",
            'id="believe"', 'id="fit"', 'id="look"', 'class="fold"', 'id="notes"',
            "efficiency depends on",
        )
    ]  # fmt: skip
    assert order == sorted(order)
    assert 3 <= len(report_data(light).findings) <= 6


def test_a_run_from_before_verdicts_says_so(light):
    (light / "verdict.json").unlink()
    verdict = report_data(light).verdict
    assert str(verdict) == "not supported"
    assert "sciren verify" in verdict.sentences()[0]


def test_controls_are_shown_where_they_were_run(light):
    controls = Controls(9, (Placebo("coordinates only", 20, 1),), ())
    (light / "controls.json").write_text(json.dumps(controls.to_json()))
    assert "claimed in 1 of 20 placebos" in write_report(light).read_text()


def test_a_black_box_has_a_report_too(light):
    for name in ("equations.json", "edges.csv"):
        (light / name).unlink()
    data = report_data(light)
    assert data.consistency == "NOT VERIFIED"
    assert data.edges is None
    write_report(light)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not a run of sciren"):
        write_report(tmp_path)


def test_the_candidates_are_listed_with_the_selected_one(finished):
    data = report_data(finished / "runs" / "light_use")
    assert data.candidates is not None
    assert data.candidates["selected"].sum() == 1
    assert data.candidates["complexity"].is_monotonic_increasing
    page = render_report(data)
    assert "Candidates from the simplest" in page
