"""Values and metadata of a run edited together with its manifest: verify must see them.

Every kind of leaf of every JSON file, every column of every table and places in every
text are candidates: coefficients, standard errors, intervals, families, importances,
units, bounds, ranges, scores, verdicts, settings.
"""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.reliability.score import Attempts, Score
from discovery.runs.files import plain, read_json
from discovery.runs.manifest import MANIFEST, owned_files, renew
from discovery.runs.unfinished import CHECKPOINTS, START, start_record
from discovery.verdict.recompute import changed_stages, compare_runs, write_again
from discovery.verdict.runs import study_of, verify_run
from sciren.errors import SciRenError
from sciren.training.progress import Silence

_NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
# what the stages after the training are computed from: an edit there changes everything
# that is computed again, so that `verify` runs as a whole. Of data.json only the hash is
# read by it; the rest is a result that is compared.
INPUTS = ("config.yaml", "checkpoints/model", "checkpoints/training.json",
          "checkpoints/members.json")  # fmt: skip
HASH_OF_DATA = ".sha256 (str)"


@dataclass(frozen=True)
class Edit:
    """One edit: the kind of value, and the whole file after it."""

    file: str
    kind: str
    content: str

    @property
    def of_input(self) -> bool:
        """Whether the stages after the training are computed from it."""
        hashed = (self.file, self.kind) == ("data.json", HASH_OF_DATA)
        return hashed or self.file.startswith(INPUTS)


def edits_of(run: Path, seed: int = 0) -> list[Edit]:
    """Return one edit for every kind of value in the text files of a run."""
    rng = random.Random(seed)
    found = []
    for path in owned_files(run):
        text = (run / path).read_bytes()
        if path.suffix == ".json" and path.name != ".hashes.json":
            found += _leaf_edits(str(path), json.loads(text), _as_json, rng)
        elif path.suffix == ".yaml":
            found += _leaf_edits(str(path), yaml.safe_load(text), yaml.safe_dump, rng)
        elif path.suffix == ".csv":
            found += _table_edits(str(path), text.decode(), rng)
        elif path.suffix in (".tex", ".md", ".html", ".py", ".c", ".graphml"):
            found += _text_edits(str(path), text.decode(), rng)
    return found


def computed_again(run: Path, place: Path) -> Path:
    """Compute a run again in an empty folder, as `verify` does; return the folder."""
    study, _ = study_of(run, None, quiet=True)
    write_again(run, study, place, Silence())
    return place


def caught_edits(run: Path, again: Path, attempts: Attempts) -> Score:
    """Make edits one at a time, each with a manifest that fits, and verify the run.

    Args:
        run: its folder; every edit is taken back.
        again: the same run computed again; most edits cannot change it.
        attempts: how many of all kinds, in an order that is drawn with the places.
    """
    edits = edits_of(run, attempts.seed)
    random.Random(attempts.seed).shuffle(edits)
    count = min(attempts.count, len(edits) - attempts.first)

    def attempt(number: int, rng: random.Random) -> list[str]:
        edit = edits[number]
        caught = _caught(run, edit, again)
        return [] if caught else [f"{edit.file}, {edit.kind}: agrees"]

    check = "edited together with the manifest, caught"
    return replace(attempts, count=count).made(check, attempt)


def _caught(run: Path, edit: Edit, again: Path) -> bool:
    kept = {name: (run / name).read_bytes() for name in (edit.file, MANIFEST)}
    (run / edit.file).write_text(edit.content, encoding="utf-8")
    renew(run, edit.file)
    try:
        if not edit.of_input:
            return bool(compare_runs(run, again).found)
        return _differs_at_once(run) or not verify_run(run, quiet=True).same
    except SciRenError:
        return True
    finally:
        for name, content in kept.items():
            (run / name).write_bytes(content)


def _differs_at_once(run: Path) -> bool:
    """Whether `verify` finds a difference that needs no computation.

    These are the hashes of finished stages, and the settings that the run began with; it
    compares both with what it has computed.
    """
    study, _ = study_of(run, None, quiet=True)
    begun = read_json(run / CHECKPOINTS / START)
    return bool(changed_stages(run)) or begun != plain(start_record(study))


def _as_json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _leaf_edits(
    name: str, data: Any, write: Callable[[Any], str], rng: random.Random
) -> Iterator[Edit]:
    """Yield an edit of every kind of leaf; ``write`` makes text of the data."""
    kinds: dict[str, list[tuple[Any, Any]]] = {}
    for holder, key, kind in _leaves(data, ""):
        kinds.setdefault(kind, []).append((holder, key))
    for kind, places in kinds.items():
        holder, key = rng.choice(places)
        before = holder[key]
        holder[key] = _other(before)
        yield Edit(name, kind, write(data))
        holder[key] = before


def _leaves(value: Any, kind: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield (holder, key, kind) of everything that holds nothing itself."""
    if isinstance(value, dict) and {"columns", "rows"} == set(value):
        for row in value["rows"]:
            for key, title in enumerate(value["columns"]):
                yield row, key, f"{kind}.{title} ({type(row[key]).__name__})"
        return
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        name = f"{kind}.{key}" if isinstance(value, dict) else kind
        if isinstance(part, dict | list):
            yield from _leaves(part, name)
        else:
            yield value, key, f"{name} ({type(part).__name__})"


def _other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.01 if value else 0.01
    if value is None:
        return 0.5
    words = {"PASS": "FAIL", "FAIL": "PASS", "linear": "exp", "supported": "no"}
    return words.get(value, f"{value}x")


def _table_edits(name: str, text: str, rng: random.Random) -> Iterator[Edit]:
    rows = list(csv.reader(io.StringIO(text)))
    for column, title in enumerate(rows[0] if len(rows) > 1 else ()):
        row = rng.randrange(1, len(rows))
        before = rows[row][column]
        rows[row][column] = _other_cell(before)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        yield Edit(name, title, out.getvalue())
        rows[row][column] = before


def _other_cell(cell: str) -> str:
    try:
        return repr(float(cell) * 1.01 if float(cell) else 0.01)
    except ValueError:
        return str(_other(cell))


def _text_edits(name: str, text: str, rng: random.Random) -> Iterator[Edit]:
    """Change the first digit of a number that has a decimal point, where there is one."""
    places = list(_NUMBER.finditer(text))
    if places:
        at = rng.choice(places).start()
        digit = "8" if text[at] != "8" else "7"
        yield Edit(name, f"number at {at}", text[:at] + digit + text[at + 1 :])
