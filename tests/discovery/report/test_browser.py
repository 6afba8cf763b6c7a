"""A report in a browser: nothing is asked of the network, everything answers a touch."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import browser, chromium
from reader import Reader

from discovery.config.file import load_config
from discovery.demos import demo_respiration, demo_soil_carbon
from discovery.report.run_report import write_report
from discovery.results.result import Discovery
from discovery.runs.workflow import run
from visualize.labels import percent, with_error

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="needs Chromium (Debian: apt-get install chromium)"
)

ROOT = Path(__file__).resolve().parents[3]
GALLERY = ROOT / "case_studies" / "gallery" / "stomata" / "config.yaml"
WIDTHS = (390, 768, 1280)
CONTRAST = """
(() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => (v /= 255, v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const found = numbers(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || node.closest("script, noscript, title")) continue;
    const box = node.getBoundingClientRect();
    if (!box.width) continue;
    const drawn = node.closest("svg"), under = node.closest("g.node")?.querySelector("rect");
    const colour = numbers(getComputedStyle(node)[drawn ? "fill" : "color"]);
    const below = under ? numbers(getComputedStyle(under).fill) : ground(node);
    const [a, b] = [light(colour), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const text = node.textContent.slice(0, 40);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${node.tagName} ${text}`);
  }
  return low;
})()
"""


# what a report must give in a minute each: the tasks of a reader who has nothing else
MINUTE = 60.0


@pytest.fixture(scope="module")
def window():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(finished):
    return write_report(finished / "runs" / "light_use")


@pytest.fixture(scope="module")
def opened(window, report):
    """The page, opened once; tests that change it put it back."""
    window.open(report)
    return window


def unfold(window):
    window.run(
        "for (const fold of document.querySelectorAll('details')) fold.open = true"
    )
    window.run("new Promise(done => setTimeout(done, 60))")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window_or_hard_to_read(window, report, width, dark):
    window.open(report, width=width, dark=dark)
    unfold(window)
    assert window.run("document.documentElement.scrollWidth") <= width
    assert window.run(CONTRAST) == []
    assert window.requests() == []
    assert window.errors() == []


def test_the_browser_computes_what_python_computes(opened, finished):
    frame = pd.read_csv(finished / "data.csv").iloc[:200]
    model = Discovery.load(finished / "runs" / "light_use").equations
    expected = model.predict(frame)
    columns = {name: frame[name].tolist() for name in ("ta", "vpd", "par")}
    found = opened.run(f"MODEL({json.dumps(columns)}, printedConstants())")
    for name in ("gpp", "efficiency"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=0)


def test_a_slider_moves_the_prediction_and_can_be_put_back(opened):
    note = "document.querySelector('[data-view=fit] .chart .quiet').textContent"
    before = opened.run(note)
    opened.run("""(() => {
      const input = document.querySelector('[data-view=fit] .slider input');
      input.value = 900;
      input.dispatchEvent(new Event('input'));
    })()""")
    moved = opened.run(note)
    assert moved.startswith("R² = ")
    assert moved != before
    opened.run("[...document.querySelectorAll('.try button')].at(-1).click()")
    assert opened.run(note) == before


def test_an_edge_that_is_touched_or_reached_by_key_shows_its_card(opened):
    edges = "[...document.querySelectorAll('.wide .network a:not(.dropped)')]"
    for act in ("focus()", "dispatchEvent(new MouseEvent('mouseenter'))"):
        opened.run(
            "document.querySelectorAll('.picked').forEach(n => n.classList.remove('picked'))"
        )
        opened.run(f"{edges}[0].{act}")
        picked = opened.run("document.querySelector('.edge-card.picked').dataset.card")
        assert picked == opened.run(f"{edges}[0].dataset.edge")
    assert (
        opened.run("document.querySelectorAll('.edge-card.picked path.line').length")
        >= 2
    )


def test_the_enter_key_picks_an_edge_and_sorts_a_table(opened):
    opened.run(
        "document.querySelectorAll('.picked').forEach(n => n.classList.remove('picked'))"
    )
    for target, done in (
        (".wide .network a:not(.dropped)", ".edge-card.picked"),
        ("#metrics-table th button", "#metrics-table th[aria-sort]"),
    ):
        opened.run(f"document.querySelector('{target}').focus()")
        opened.enter()
        assert opened.run(f"document.querySelectorAll('{done}').length") == 1


def test_a_head_sorts_its_table_by_numbers_and_turns_around(opened):
    rows = "[...document.querySelectorAll('#metrics-table tbody tr')]"
    column = f"{rows}.map(row => Number(row.cells[2].dataset.value))"
    head = "document.querySelectorAll('#metrics-table th button')[2].click()"
    opened.run(head)
    up = opened.run(column)
    opened.run(head)
    assert up == sorted(up)
    assert opened.run(column) == sorted(up, reverse=True)


def test_the_path_changes_equation_fit_and_verdict(opened):
    opened.run("document.getElementById('path').open = true")
    parts = "'[data-view=path] p, [data-view=path] math'"
    shown = f"[...document.querySelectorAll({parts})].map(one => one.textContent)"
    chosen = opened.run(shown)
    opened.run("""(() => {
      const input = document.querySelector('[data-view=path] input');
      input.value = 0;
      input.dispatchEvent(new Event('input'));
    })()""")
    simplest = opened.run(shown)
    assert "verdict: " in chosen[0]
    assert "Not judged" in simplest[0]
    assert chosen[1] != simplest[1]


def test_a_difference_below_the_digits_of_the_page_is_no_zero(opened):
    notes = opened.run("""(() => {
      const rows = RUN.rows.observed.gpp, near = rows.map((v) => v * (1 + 1e-10));
      return scatterSpec("gpp", rows, near).notes;
    })()""")
    assert any(note.startswith("RMSE < ") for note in notes)


def test_numbers_are_written_as_those_of_the_tables(opened):
    shown = opened.run("[2.5e-5, -3e12, 4.072e-10, 0.5, 20000].map(short)")
    assert shown == ["2.5·10⁻⁵", "−3·10¹²", "4.07·10⁻¹⁰", "0.5", "20\u202f000"]


def test_figures_and_tables_are_saved_as_svg_png_and_csv(opened):
    saved = opened.run("""new Promise((done) => {
      const names = [];
      const click = HTMLAnchorElement.prototype.click;
      HTMLAnchorElement.prototype.click = function () {
        names.push([this.download, this.href.slice(0, 22)]);
      };
      for (const b of document.querySelectorAll('[data-view=fit] .chart-tools button')) b.click();
      document.querySelector('.table-tools button').click();
      setTimeout(() => { HTMLAnchorElement.prototype.click = click; done(names); }, 400);
    })""")
    assert {name.rsplit(".", 1)[1] for name, _ in saved} == {"svg", "png", "csv"}
    assert ["observed gpp.png", "data:image/png;base64,"] in saved


def test_screen_readers_hear_mathml_and_words(opened):
    assert opened.run("document.querySelectorAll('#found math').length") == 2
    assert (
        opened.run("getComputedStyle(document.querySelector('#found math')).display")
        != "none"
    )
    unnamed = opened.run("""[...document.querySelectorAll('svg.chart, svg.network, input, select')]
      .filter(n => !n.getAttribute('aria-label') && n.getBoundingClientRect().width).length""")
    assert unnamed == 0


def test_a_link_to_a_folded_part_opens_it(opened):
    opened.run("document.querySelector('nav a[href=\"#glossary\"]').click()")
    opened.run("new Promise(done => setTimeout(done, 30))")
    assert opened.run("document.getElementById('glossary').open")


def test_the_page_is_readable_without_scripts(window, report):
    window.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.load(report)
        text = window.texts()
    finally:
        window.ask("Emulation.setScriptExecutionDisabled", value=False)
    for words in ("What was found", "efficiency rises", "Whether to believe it", "R²"):
        assert words in text


KEPT = """window.kept = [];
  navigator.clipboard ?? Object.defineProperty(navigator, 'clipboard', {value: {}});
  navigator.clipboard.writeText = async (text) => { window.kept.push(text); };
  HTMLAnchorElement.prototype.click = function () {
    window.kept.push(decodeURIComponent(this.href.split(',').slice(1).join(',')));
  };"""


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def reader(window, report, request):
    window.open(report, width=request.param)
    window.run(KEPT)
    reader = Reader(window)
    yield reader
    assert reader.seconds < MINUTE


def test_a_reader_copies_the_latex(reader):
    reader.click("button", "Copy LaTeX")
    (text,) = reader.window.run("window.kept")
    assert text.startswith(r"\mathrm{efficiency} = ")


def test_a_reader_finds_the_error_of_a_constant(reader, finished):
    stored = Discovery.load(finished / "runs" / "light_use").process_constants[0]
    sentence = reader.look(".findings li", "half is")
    assert with_error(stored["estimate"], stored["error"]) in sentence


def test_a_reader_sees_which_feature_matters_most(reader, finished):
    edges = Discovery.load(finished / "runs" / "light_use").edges
    first = edges.sort_values("importance").iloc[-1]
    sentence = reader.look(".findings li")
    assert first["source"] in sentence
    assert percent(first["importance"]) in sentence


def test_a_reader_sees_where_the_model_fails(reader):
    reader.click("nav a", "How well it fits")
    sentence = reader.look(".failure")
    assert re.match("It fails most|No clear pattern", sentence)
    reader.click(".failure a", "All residuals")
    assert reader.look("#fails h3") == "Observed less predicted gpp"
    shown = "document.querySelectorAll('#fails svg.chart circle').length"
    assert reader.window.run(shown) > 20


def test_a_reader_gets_the_data_of_a_figure(reader):
    reader.click("nav a", "How well it fits")
    reader.click("[data-view=fit] .chart-tools button", "CSV")
    (text,) = reader.window.run("window.kept")
    frame = pd.read_csv(io.StringIO(text))
    assert list(frame.columns[:2]) == [
        "training and validation x", "training and validation y"
    ]  # fmt: skip
    assert frame.notna().sum().tolist()[::2] == [510, 90]


def test_a_reader_sees_why_the_verdict_is_what_it_is(reader, finished):
    verdict = Discovery.load(finished / "runs" / "light_use").verdict
    reader.click(".headline a")
    assert (
        reader.window.run(
            "document.querySelector('#believe').getBoundingClientRect().top"
        )
        < 400
    )
    text = reader.look("#believe .banner")
    assert text.lower().startswith(verdict.headline)
    assert all(sentence in text for sentence in verdict.sentences())


def gallery_run(folder, quiet=True):
    """A study of the gallery on a small table in the place of its real one."""
    rng = np.random.default_rng(0)
    leaf, vpd, uptake = (
        rng.uniform(*ends, 160) for ends in ((18, 40), (0.6, 4), (1, 25))
    )
    table = pd.DataFrame(
        {
            "curve": np.repeat(np.arange(16), 10),
            "t_leaf_degC": leaf,
            "vpd_leaf_kPa": vpd,
            "assimilation_umol_m2_s": uptake,
            "gsw_mol_m2_s": 0.02
            + 1.6 * (1 + (1 + 0.08 * leaf) / np.sqrt(vpd)) * uptake / 400,
        }
    )
    folder.parent.mkdir(exist_ok=True)
    table.to_csv(folder.parent / "table.csv", index=False)
    changes = [
        f"data.path={folder.parent / 'table.csv'}",
        f"out={folder}",
        "train.bootstrap=0",
    ]
    return run(load_config(GALLERY, [*changes, "discovery.bootstrap=0"]), quiet=quiet)


@pytest.mark.slow
@pytest.mark.parametrize("demo", [demo_respiration, demo_soil_carbon, gallery_run])
def test_reports_of_demos_and_gallery_are_small_and_open(window, demo, tmp_path):
    page = demo(tmp_path / "run", quiet=True) / "report.html"
    assert page.stat().st_size < 2e6
    for width in WIDTHS:
        window.open(page, width=width)
        unfold(window)
        assert window.run("document.documentElement.scrollWidth") <= width
        assert window.run(CONTRAST) == []
        assert window.requests() == []
        assert window.errors() == []
