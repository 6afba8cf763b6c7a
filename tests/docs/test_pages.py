"""The manual: its code runs, its commands exist, its links lead somewhere."""

import ast
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
import yaml

from discovery.cli import app, main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r'```(\w+)(?: title="([^"]+)")?\n(.*?)```', re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
PUBLIC = ("sciren", "symbolic", "visualize", "discovery")

# pages whose blocks run in one go: seconds, or a few of them
QUICK = ("process-models.md", "how-to/moving.md", "how-to/sites.md", "how-to/towers.md")
# pages whose commands are run too, between their other blocks
RUN_COMMANDS = {
    "tutorial.md", "how-to/classes.md", "how-to/sites.md", "how-to/soil-profiles.md",
    "how-to/towers.md",
}  # fmt: skip
SLOW = {  # pages read one after another, as their text says
    "training, then equations": ("training.md", "equations.md"),
    "tutorial, then export": ("tutorial.md", "how-to/export.md"),
    "memory": ("dynamic-models.md",),
    "notebook": ("how-to/notebooks.md",),
    "classes": ("how-to/classes.md",),
    "soil profiles": ("how-to/soil-profiles.md",),
    "README": ("../README.md",),
}


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(page, *kinds):
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [block for block in found if block[0] in kinds]


def commands():
    """Every line of a page that calls `sciren`, variables and comments left out."""
    for page in PAGES:
        for _, _, text in blocks(page, "sh", "bash"):
            for line in text.replace("\\\n", " ").splitlines():
                if not line.startswith("sciren "):
                    continue
                words = shlex.split(line, comments=True)
                if not set(words) & {"[FOLDER]", "..."}:
                    yield pytest.param(
                        words[1:], id=f"{name_of(page)}: {line.strip()[:60]}"
                    )


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_the_manual_is_one_of_the_program(words):
    command = typer.main.get_command(app)
    context = command.make_context("sciren", [], resilient_parsing=True)
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
        arguments = [] if hasattr(command, "commands") else list(words)
        context = command.make_context(
            command.name, arguments, parent=context, resilient_parsing=not arguments
        )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_are_whole(page):
    for _, _, text in blocks(page, "python"):
        ast.parse(text)
    for _, _, text in blocks(page, "yaml"):
        yaml.safe_load(text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_name_that_a_page_imports_is_public(page):
    for _, _, text in blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ImportFrom):
                continue
            module = importlib.import_module(node.module)
            public = getattr(module, "__all__", vars(module))
            assert {alias.name for alias in node.names} <= set(public)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    for target, _ in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http", "mailto:", "<")):
            file = (page.parent / target).resolve()
            assert file.exists(), f"{page.name}: {target}"
            # The website holds the manual alone.
            assert DOCS not in page.parents or DOCS in file.parents, target


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_has_its_place_in_the_reference(package):
    spec = importlib.util.spec_from_file_location(
        "ref", DOCS / "hooks" / "reference.py"
    )
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    text = (DOCS / "reference" / f"{package}.md").read_text(encoding="utf-8")
    listed = re.findall(r"^::: (\S+)$", hook.on_page_markdown(text), re.MULTILINE)
    names = {path.rpartition(".")[2] for path in listed}
    assert names == set(importlib.import_module(package).__all__)


def test_every_page_is_in_the_table_of_contents():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert f": {page.relative_to(DOCS).as_posix()}" in text, page


def example():
    """What the shorter examples call frame, features, ta and reco."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "sw_pot": rng.uniform(100, 480, 400),
            "dsw_pot": rng.uniform(-680, 700, 400),
            "ta": rng.uniform(-5, 25, 400),
        }
    )
    base = 1 + 0.0075 * frame["sw_pot"] - 0.003 * frame["dsw_pot"].abs()
    frame["reco"] = base * 1.5 ** ((frame["ta"] - 15) / 10)
    return {
        "frame": frame, "reco": frame["reco"], "ta": frame["ta"].to_numpy(),
        "features": ["sw_pot", "dsw_pot", "ta"],
    }  # fmt: skip


def run_pages(pages, folder, monkeypatch):
    """Run the blocks of pages in their order, in a folder of their own."""
    monkeypatch.chdir(folder)
    names = example()
    for page in pages:
        for kind, title, text in blocks(DOCS / page, "python", "yaml", "sh"):
            if kind == "python":
                # one block after another, as a reader types them
                exec(compile(text, page, "exec"), names)
            elif kind == "yaml" and title:
                (folder / title).write_text(text, encoding="utf-8")
            elif kind == "sh" and page in RUN_COMMANDS:
                for line in text.splitlines():
                    with pytest.raises(SystemExit) as end:
                        main([*shlex.split(line, comments=True)[1:], "--quiet"])
                    assert end.value.code == 0, line
    return names


@pytest.mark.parametrize("page", QUICK)
def test_short_pages_run(page, tmp_path, monkeypatch):
    run_pages((page,), tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("pages", list(SLOW.values()), ids=list(SLOW))
def test_long_pages_run(pages, tmp_path, monkeypatch):
    names = run_pages(pages, tmp_path, monkeypatch)
    if "equations.md" in pages:  # a relation that the text promises to find
        assert names["found"].accepted


def test_every_page_with_python_is_run():
    run = {*QUICK, *(page for pages in SLOW.values() for page in pages)}
    with_code = {
        page.relative_to(DOCS).as_posix()
        if page.is_relative_to(DOCS)
        else "../README.md"
        for page in PAGES
        if blocks(page, "python")
    }
    assert with_code <= run
