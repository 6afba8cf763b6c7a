"""The README's code is real: its imports exist, its process model is the one of init."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def imported(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("code", PYTHON)
def test_every_name_that_the_readme_imports_is_public(code):
    for module, name in imported(code):
        assert name in importlib.import_module(module).__all__


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


def test_the_readme_starts_with_the_two_commands_and_a_picture():
    start = README.splitlines()[:9]
    assert any(line.startswith("make demo") for line in start)
    assert any(line.startswith("make test") for line in start)
    assert any(line.startswith("![") for line in start)


def test_files_that_the_readme_names_are_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
