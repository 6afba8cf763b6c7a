"""A report in a browser: nothing is asked of the network, everything answers a touch."""

import json

import numpy as np
import pandas as pd
import pytest
from browser import browser, chromium

from discovery.demos import demo_respiration, demo_soil_carbon
from discovery.report.run_report import write_report
from discovery.results.result import Discovery

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="needs Chromium (Debian: apt-get install chromium)"
)

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
    if (!walk.currentNode.textContent.trim() || node.closest("script, noscript, svg")) continue;
    const box = node.getBoundingClientRect();
    if (!box.width) continue;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const text = node.textContent.slice(0, 40);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${node.tagName} ${text}`);
  }
  return low;
})()
"""


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


def test_what_is_copied_is_the_latex(opened):
    opened.run("""window.copied = '';
      navigator.clipboard ?? Object.defineProperty(navigator, 'clipboard', {value: {}});
      navigator.clipboard.writeText = async (text) => { window.copied = text; };""")
    opened.run("document.querySelector('[data-copy=\"equation-1-LaTeX\"]').click()")
    opened.run("new Promise(done => setTimeout(done, 20))")
    assert opened.run("window.copied").startswith(r"\mathrm{efficiency} = ")


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


@pytest.mark.slow
@pytest.mark.parametrize("demo", [demo_respiration, demo_soil_carbon])
def test_reports_of_the_demos_are_small_and_open(window, demo, tmp_path):
    page = demo(tmp_path / "run", quiet=True) / "report.html"
    assert page.stat().st_size < 2e6
    for width in WIDTHS:
        window.open(page, width=width)
        unfold(window)
        assert window.run("document.documentElement.scrollWidth") <= width
        assert window.run(CONTRAST) == []
        assert window.requests() == []
        assert window.errors() == []
