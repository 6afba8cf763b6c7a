"""A check of LaTeX that needs no TeX: braces, environments, columns."""

import re

COMMENT = re.compile(r"(?<!\\)%.*")
ENVIRONMENT = re.compile(r"\\(begin|end)\{([A-Za-z*]+)\}")
RULES = re.compile(
    r"\\(toprule|midrule|bottomrule|endfirsthead|endhead|endfoot|endlastfoot)\b"
)
BRACKETS = re.compile(r"\\(left|right)(?![A-Za-z])")
TABLES = ("tabular", "longtable")
ONE_COLUMN_SIGN = {"align": 1, "align*": 1, "aligned": 1, "cases": 1}


def check_latex(text: str) -> list[str]:
    r"""Return what is wrong with a piece of LaTeX, empty when nothing was found.

    Checked: braces and dollar signs pair up, every environment is closed in its order,
    ``\left`` has its ``\right``, rows of a table have as many columns as it declares.
    """
    plain = COMMENT.sub("", text).replace(r"\\", r"\\ ")
    bare = re.sub(r"\\[{}$&%#_]", "", plain.replace(r"\\ ", " "))
    problems = []
    if _unbalanced(bare):
        problems.append(f"braces: {bare.count('{')} opened, {bare.count('}')} closed")
    if bare.count("$") % 2:
        problems.append(f"dollar signs: {bare.count('$')}, an odd number")
    sides = [match.group(1) for match in BRACKETS.finditer(plain)]
    if sides.count("left") != sides.count("right"):
        problems.append(f"{sides.count('left')} left for {sides.count('right')} right")
    return problems + _environments(plain) + _columns(plain)


def _unbalanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return True
    return depth != 0


def _environments(text: str) -> list[str]:
    opened: list[str] = []
    for side, name in ENVIRONMENT.findall(text):
        if side == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return [f"end{{{name}}} closes another environment or none"]
    return [f"begin{{{name}}} is never closed" for name in opened]


def _columns(text: str) -> list[str]:
    problems = []
    for name in TABLES:
        for body in _bodies(text, name):
            spec, rest = _argument(body)
            problems += _rows(rest, _count(spec) - 1, name)
    for name, most in ONE_COLUMN_SIGN.items():
        for body in _bodies(text, name):
            outer = ENVIRONMENT_BODY.sub("", body)
            for row in outer.split(r"\\"):
                if _signs(row) > most:
                    problems.append(
                        f"{name}: {_signs(row)} column signs in {row.strip()!r:.60}"
                    )
    return problems


ENVIRONMENT_BODY = re.compile(r"\\begin\{(cases|aligned)\}.*?\\end\{\1\}", re.DOTALL)


def _bodies(text: str, name: str) -> list[str]:
    pattern = rf"\\begin\{{{re.escape(name)}\}}(.*?)\\end\{{{re.escape(name)}\}}"
    return re.findall(pattern, text, re.DOTALL)


def _argument(body: str) -> tuple[str, str]:
    start = body.index("{")
    depth = 0
    for place in range(start, len(body)):
        depth += (body[place] == "{") - (body[place] == "}")
        if depth == 0:
            return body[start + 1 : place], body[place + 1 :]
    return "", body


def _count(spec: str) -> int:
    """Return the number of columns that a table declares."""
    without = re.sub(r"S\[[^\]]*\]", "S", spec)
    depth, letters = 0, ""
    for character in without:
        depth += (character == "{") - (character == "}")
        letters += character if depth == 0 and character.isalpha() else ""
    return sum(letters.count(letter) for letter in "lcrpS")


def _rows(body: str, expected: int, name: str) -> list[str]:
    problems = []
    outer = ENVIRONMENT_BODY.sub("", RULES.sub("", body))
    for row in outer.split(r"\\"):
        if row.strip() and not re.search(r"\\(multicolumn|caption)", row):
            signs = _signs(row)
            if signs != expected:
                problems.append(
                    f"{name}: {signs + 1} cells for {expected + 1} columns: {row.strip()!r:.60}"
                )
    return problems


def _signs(row: str) -> int:
    return len(re.findall(r"(?<!\\)&", row))
