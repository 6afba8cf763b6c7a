"""python -m case_studies.gallery [NAME...] --data DIR [--out DIR] [--set KEY=VALUE]."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from case_studies.gallery.studies import COLUMNS, line_of, run_studies, studies


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code, 1 where a study failed."""
    known = studies()
    parser = argparse.ArgumentParser(prog="python -m case_studies.gallery")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--out", type=Path, default=Path("runs/gallery"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no study is called {unknown[0]}; there are {', '.join(known)}")
    rows = []
    names = options.names or list(known)
    for row in run_studies(names, options.data, options.out, options.set, _tell):
        sys.stdout.write(f"{line_of(row)}\n")
        sys.stdout.flush()
        rows.append(row)
    _write(options.out / "gallery.csv", rows)
    return 1 if any(row["error"] for row in rows) else 0


def _write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    import pandas as pd

    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.part")
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(hidden, index=False)
    hidden.replace(path)
    sys.stdout.write(f"table: {path}\n")


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
