"""The page of the manual is the shelf as it is."""

from pathlib import Path

from discovery.shelf.page import shelf_page, write_shelf_page
from sciren.processes import SHELF

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_manual_is_up_to_date():
    written = (DOCS / "shelf.md").read_text(encoding="utf-8")
    assert written == shelf_page(), "write it again: make docs/shelf.md"


def test_every_model_has_a_section_of_its_own(tmp_path):
    lines = write_shelf_page(tmp_path).read_text(encoding="utf-8").splitlines()
    assert [line[3:] for line in lines if line.startswith("## ")] == list(SHELF)
    assert [path.name for path in tmp_path.iterdir()] == ["shelf.md"]
