"""python -m case_studies.soil_carbon table3 | table4 | figures ... --out DIR."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "table3": "synthetic sites with a known truth, five methods (Table 3)",
    "climate": "climate recipe: measured damping, sensitivity of each piece",
    "table4": "measured soil profiles, six methods (Table 4, Figures 10 and 11)",
    "figures": "retrieved parameters and importances of Table 3 (Figures 4 and 9)",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand the arguments to the module of a command; return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in COMMANDS:
        asked = bool(given) and given[0] in ("-h", "--help")
        (sys.stdout if asked else sys.stderr).write(_usage())
        return 0 if asked else 2
    from sciren import SciRenError

    command = import_module(f"case_studies.soil_carbon.{given[0]}")
    try:
        return command.main(given[1:])
    except SciRenError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _usage() -> str:
    lines = [f"  {name:8} {text}" for name, text in COMMANDS.items()]
    head = "usage: python -m case_studies.soil_carbon COMMAND ... (COMMAND --help)"
    return "\n".join([head, *lines, ""])


if __name__ == "__main__":
    sys.exit(main())
