"""The report is one page that needs nothing else, says everything and hides no failure."""

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib.figure import Figure

from discovery.report.page import ReportData, ReportEquation, render_report
from sciren.errors import ColumnError

VOID = {"img", "meta", "br", "link"}


class Page(HTMLParser):
    """Elements of a page; every one that opens must close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def figure(label="Graph of the encoder: a to rb."):
    made = Figure(figsize=(4, 2))
    made.set_label(label)
    return made


def png():
    stream = io.BytesIO()
    figure().savefig(stream, format="png", dpi=200)
    return stream.getvalue()


CHECKS = pd.DataFrame(
    {
        "check": ["closed forms against expression", "stationarity"],
        "number": [2.1e-13, 0.004],
        "tolerance": [1e-9, 0.1],
        "passed": [True, True],
    }
)
FAILED = CHECKS.assign(number=[2.1e-13, 3.1], passed=[True, False])
EDGES = pd.DataFrame(
    {
        "layer": 0, "source": ["a", "b", "c"], "target": "rb",
        "importance": [0.3, 0.7, 0.0], "family": ["linear", "none", ""],
        "status": ["closed", "refused", "dropped"], "formula": ["2*a", "f_rb_b(b)", ""],
        "latex": [r"2\,\mathrm{a}", "", ""], "low": [0.0, 1.0, 2.0], "high": 9.0,
    }
)  # fmt: skip
FULL = ReportData(
    title="Respiration, seed 0",
    summary=["rb depends on a and b."],
    equations=[
        ReportEquation("rb", r"\mathrm{rb} = 2\,\mathrm{a}", "rb = 2*a", "umol m-2 s-1"),
        ReportEquation("odd", r"\begin{array}{c} 1 \end{array}", "odd = [1]"),
    ],
    decoder=ReportEquation("reco", r"\mathrm{reco} = \mathrm{rb}", "reco = rb"),
    constants=pd.DataFrame({"constant": ["q10"], "estimate": [1.50031], "error": [0.002]}),
    metrics=pd.DataFrame(
        {"split": ["train", "test"], "model": "equation", "target": "reco",
         "r2": [0.976, 0.97], "n": [56102, 17568]}
    ),
    edges=EDGES,
    verification=CHECKS,
    profiles=pd.DataFrame({"constant": ["q10"], "identified": [True]}),
    data={"rows read": 157776, "dropped": {"missing ta": 3}},
    warnings=["1.6 % of the targets cannot be reached."],
    figures={"extra": png(), "graph": figure(), "history": figure(""), "latents_rb": png()},
    captions={"extra": "A map."},
    provenance={"sciren": "0.1.0", "seed": 0},
    config="seed: 0\nfeatures: [a, b]\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def full():
    return Page(render_report(FULL))


def test_everything_is_on_the_page(full):
    for text in (
        "Respiration, seed 0", "rb depends on a and b.", "rb = 2*a", "odd = [1]",
        "(µmol m⁻² s⁻¹)".strip("()"), "1.500 ± 0.002", "0.9760", "56\u202f102", "refused",
        "f_rb_b(b)", "2.1·10⁻¹³", "PASS", "157\u202f776", "dropped: missing ta",
        "1.6 % of the targets", "A map.", "0.1.0", "features: [a, b]",
    ):  # fmt: skip
        assert text in " ".join(full.texts), text


def test_sections_are_those_that_have_content(full):
    addresses = [
        link["href"] for link in full.all("nav") + full.all("a") if "href" in link
    ]
    identities = [
        attributes["id"] for _, attributes in full.elements if "id" in attributes
    ]
    assert len(set(identities)) == len(identities)
    assert {address.removeprefix("#") for address in addresses} <= set(identities)
    assert [one["id"] for one in full.all("section")] == ["found", "fit", "look"]
    folds = [one["id"] for one in full.all("details") if one.get("class") == "fold"]
    assert folds == [
        "constants", "data", "truth", "verification", "training", "pictures", "notes",
        "provenance", "glossary",
    ]  # fmt: skip


def test_an_empty_report_says_that_nothing_was_verified():
    page = Page(render_report(ReportData("Nothing")))
    assert "Not verified" in page.text
    assert not page.all("section")
    assert "NOT VERIFIED: Nothing" in page.text


def test_a_failure_stands_at_the_top_and_beside_the_equations():
    page = Page(render_report(replace(FULL, verification=FAILED)))
    head = page.text[: page.text.index("What was found")]
    assert "Not consistent 1 of 2 checks failed" in head
    assert "stationarity" in head
    assert page.text.startswith("FAIL: Respiration")
    assert "a check of consistency FAILED." in page.text
    assert any(cell.get("class") == "fail" for cell in page.all("td"))


def test_a_pass_is_no_alert(full):
    assert "Not judged : the equations are the network (2 checks" in full.text
    assert not any(attributes.get("role") == "alert" for _, attributes in full.elements)


def test_the_page_needs_nothing_else():
    text = render_report(FULL)
    markup = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", markup)
    assert addresses
    assert all(a.startswith(("data:image/png;base64,", "#")) for a in addresses)
    assert "default-src 'none'" in text
    assert set(re.findall(r"https?://[^\s\"<]*", text)) <= {
        "http://www.w3.org/2000/svg"
    }


def test_pictures_are_described_and_stand_in_their_section(full):
    images = full.all("img")
    assert [image["alt"] for image in images] == [
        "Graph of the encoder: a to rb.", "Estimated against true latent.",
        "Terms of the loss during training.", "A map.",
    ]  # fmt: skip
    assert {image["width"] for image in images} == {"400"}


def test_equations_are_drawn_where_possible_and_always_copyable(full):
    drawn = [svg["aria-label"] for svg in full.all("svg")]
    assert drawn == ["rb = 2*a", "rb = 2*a", "reco = rb", "reco = rb", "2*a"]
    targets = {button["data-copy"] for button in full.all("button")}
    assert targets <= {a["id"] for _, a in full.elements if "id" in a}
    assert {
        "equation-1-text",
        "equation-1-LaTeX",
        "equation-2-LaTeX",
        "config",
    } <= targets


def test_texts_cannot_become_markup():
    evil = "<script>alert(1)</script>"
    data = ReportData(
        evil, [evil], [ReportEquation(evil, "x", evil, evil)], warnings=[evil],
        data={evil: evil}, config=evil, figures={"graph": figure(evil)},
        edges=EDGES.assign(formula=evil, source=evil),
    )  # fmt: skip
    scripts = Page(render_report(data)).all("script")
    assert [one.get("type") for one in scripts] == ["application/json", None]


def test_data_cannot_close_their_script():
    data = ReportData("x", browser={"rows": "</script><script>alert(1)</script>"})
    assert "\\u003c/script>\\u003cscript>alert(1)" in render_report(data)


def test_every_word_of_a_table_head_is_explained_where_it_stands(full):
    heads = full.all("th")
    assert heads
    assert all(one.get("title") for one in heads)


def test_pictures_that_scripts_draw_are_for_pages_without_scripts():
    drawn = ("<svg></svg>", "<svg></svg>")
    figures = {"edges": figure("Curves of a to rb."), "graph": figure("A graph.")}
    page = render_report(replace(FULL, network=drawn, figures=figures))
    curves = page.index("Curves of a to rb.")
    assert page.rindex("<noscript>", 0, curves) > page.rfind("</noscript>", 0, curves)
    assert "A graph." not in page  # the page draws it, with and without scripts


def test_equal_data_give_equal_pages():
    assert render_report(FULL) == render_report(FULL)


@pytest.mark.parametrize("column", ["check", "passed"])
def test_a_verification_without_its_columns_is_refused(column):
    with pytest.raises(ColumnError, match=f"no column '{column}'"):
        replace(FULL, verification=CHECKS.drop(columns=column))


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        (CHECKS, "PASS"),
        (FAILED, "FAIL"),
        (None, "NOT VERIFIED"),
        (CHECKS[:0], "NOT VERIFIED"),
    ],
)
def test_one_failed_check_fails_the_report(checks, verdict):
    assert replace(FULL, verification=checks).consistency == verdict
    assert bool(replace(FULL, verification=checks).failed) == (verdict == "FAIL")
