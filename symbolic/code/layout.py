"""How source code is broken into lines."""

from collections.abc import Iterable, Mapping, Sequence

from symbolic.code.program import Routine

WIDTH = 88  # characters of a line, as in the code of the toolkit itself


def one_line(text: str) -> str:
    """Return a text that cannot end the comment in which it stands."""
    return " ".join(text.split())


def called(helpers: Mapping[str, str], body: Iterable[str]) -> list[str]:
    """Return the text of those helpers, by their names, that functions call."""
    # With the parenthesis: a constant may have the name of a helper, but is not called.
    whole = "".join(body)
    return [text for name, text in helpers.items() if f"{name}(" in whole]


def in_rows(
    items: Sequence[str], indent: str, width: int = WIDTH, end: str = ""
) -> str:
    """Return items separated by commas, as many a line as fit.

    Args:
        end: what a line that goes on ends with, after its comma.
    """
    lines, line = [], ""
    for item in items:
        # two characters of ", " and one that ends the line
        if line and len(indent) + len(line) + len(item) + len(end) + 3 > width:
            lines.append(line)
            line = ""
        line += f"{', ' if line else ''}{item}"
    return f",{end}\n".join(f"{indent}{text}" for text in [*lines, line])


def signature(
    start: str,
    routine: Routine,
    end: str,
    indent: str,
    before: str = "",
    after: str = "",
) -> str:
    """Return a function's first line, one argument a line where it would be long.

    Args:
        before, after: text around each argument, such as its type.
    """
    given = [f"{before}{a.identifier}{after}" for a in routine.arguments]
    line = f"{start}{', '.join(given)}{end}"
    if len(line) <= WIDTH:
        return line
    inside = ",\n".join(f"{indent}{text}" for text in given)
    return f"{start}\n{inside}\n{end}"
