"""The code of README and manual is real: its names are public, its files exist."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {page.name: page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*.md")}


def blocks(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


PYTHON = blocks(README)


def imported(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("code", [*PYTHON, *blocks("".join(PAGES.values()))])
def test_every_name_that_the_pages_import_is_public(code):
    for module, name in imported(code):
        found = importlib.import_module(module)
        assert name in getattr(found, "__all__", vars(found))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["process-models.md", "training.md"])
def test_the_code_of_the_manual_runs(page):
    names = {}
    for code in blocks(PAGES[page]):
        exec(code, names)
    if page == "training.md":  # the next page goes on with its model
        for code in blocks(PAGES["equations.md"]):
            exec(code, names)
        assert names["found"].accepted


def test_the_contents_of_the_manual_are_its_pages():
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert sorted(listed) == sorted(PAGES)


def test_the_process_model_of_the_readme_is_the_one_that_init_writes():
    written = (ROOT / "discovery/templates/my_process.py").read_text(encoding="utf-8")
    body = ast.parse(written).body[1:]  # without the docstring
    shown = next(code for code in PYTHON if "@process_model" in code)
    assert ast.dump(ast.Module(body, [])) == ast.dump(ast.parse(shown))
    assert len(shown.strip().splitlines()) <= 12


def test_every_command_of_the_readme_exists():
    from discovery.cli import app

    known = {command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"(?:`|^)sciren ([a-z]+)", README, re.MULTILINE)) <= known


def test_the_readme_starts_with_three_sentences_a_picture_and_two_commands():
    start = README.splitlines()[:13]
    assert any(line.startswith("make demo") for line in start)
    assert any(line.startswith("make test") for line in start)
    assert any(line.startswith("![") for line in start)


def test_files_that_the_pages_name_are_there():
    for folder, text in [(ROOT, README), *((ROOT / "docs", t) for t in PAGES.values())]:
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (folder / target).exists(), target
