"""The README shows what the program does: its commands, its process model, its start."""

import ast
import re
from pathlib import Path

from discovery.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_process_model_is_the_one_that_init_writes():
    written = (ROOT / "discovery/templates/my_process.py").read_text(encoding="utf-8")
    body = ast.parse(written).body[1:]  # without the docstring
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shown = next(code for code in blocks if "@process_model" in code)
    assert ast.dump(ast.Module(body, [])) == ast.dump(ast.parse(shown))
    assert len(shown.strip().splitlines()) <= 12


def test_every_command_in_a_sentence_or_table_exists():
    known = {command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"(?:`|^)sciren ([a-z]+)", README, re.MULTILINE)) <= known


def test_it_starts_with_three_sentences_a_picture_and_two_commands():
    start = README.splitlines()[:13]
    assert any(line.startswith("make demo") for line in start)
    assert any(line.startswith("make test") for line in start)
    assert any(line.startswith("![") for line in start)
