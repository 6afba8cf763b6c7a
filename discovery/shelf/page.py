"""The shelf as a page of the manual, written from the declarations."""

import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.shelf.listing import (
    forcing_rows,
    parameter_rows,
    state_rows,
    summary,
    target_rows,
)
from sciren.processes import SHELF

if TYPE_CHECKING:
    from sciren.decoders.base import Decoder

HEAD = """# The shelf

Classic process models by name: `decoder: lloyd_taylor` in a configuration,
`ScIReNRegressor(decoder="lloyd_taylor")` and `sciren.processes.lloyd_taylor` in Python.
`sciren processes` lists them, `sciren processes NAME` shows one. Columns of your table are mapped
to the forcings; targets that nobody observed are left out of the mapping.

Any parameter can be declared otherwise, in the configuration or with `sciren.decoders.redeclare`:

```yaml
decoder: lloyd_taylor
parameters:
  e0: 200                        # fixed at a number
  rb: {high: 30}                 # another bound
  tref: {value: 10}              # another reference temperature
```

`latent` is a value for each row, `constant` one number for all, `fixed` is not learned. Ranges of
forcings are those for which a model was made. Every model is held to one contract: reference
values, gradients, symbols, units and bounds.

Three more solve 140 pools of soil carbon for every row and have no formula of a row: `clm5`,
`compas_a` and `compas_b`. They take the forcing of a site by layer and month
(`sciren.decoders.CLM5Forcing`); `sciren processes compas_a` shows one.

"""


def shelf_page() -> str:
    """Return the page in Markdown: a table of all models, then one section each."""
    families: dict[str, list[Decoder]] = {}
    for model in SHELF.values():
        families.setdefault(_family(model), []).append(model)
    rows = [
        (f"[`{model.name}`](#{model.name})", summary(model))
        for models in families.values()
        for model in models
    ]
    sections = [_section(model) for models in families.values() for model in models]
    return (
        HEAD
        + _table([("model", "describes"), *rows])
        + "\n\n"
        + "\n\n".join(sections)
        + "\n"
    )


def write_shelf_page(folder: Path) -> Path:
    """Write ``shelf.md`` into the folder of the manual and return its path."""
    path = folder / "shelf.md"
    hidden = folder / ".shelf.md.part"
    hidden.write_text(shelf_page(), encoding="utf-8")
    hidden.replace(path)
    return path


def _family(model: "Decoder") -> str:
    """Return what the file of a model says of the models in it."""
    # A model made by the decorator keeps the user's function; its file's docstring is
    # the family.
    function = getattr(model, "function", type(model))
    return (sys.modules[function.__module__].__doc__ or "").strip()


def _section(model: "Decoder") -> str:
    parts = [
        f"## {model.name}",
        _markdown(inspect.getdoc(model) or ""),
        _table(parameter_rows(model)),
        _table(forcing_rows(model)),
        *([_table(state_rows(model))] if state_rows(model) else []),
        _table([("target", "unit"), *target_rows(model)[1:]]),
    ]
    return "\n\n".join(parts)


def _markdown(text: str) -> str:
    """Set indented formulas as code, and the notes as paragraphs."""
    lines = text.splitlines()
    blocks: list[str] = []
    for line in lines:
        note = re.match(r"(Limits|Identifiability|Reference|Args):", line)
        if note:
            blocks += ["", f"**{note[1]}.**{line[note.end() :]}"]
        else:
            blocks.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(blocks)).strip()


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "| " + " | ".join("---" for _ in rows[0]) + " |", *body])
