"""Long formulas of a process with names for what occurs in them several times.

Two exponentials of a compartment model hold the same root seven times; written out they are a
wall that nobody reads, with names for the root and the rates they are four short lines.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sympy

from symbolic.expression.removable import with_quotients
from symbolic.expression.sharing import letters, numbered, shared_parts

LONG = 40
"""Operations above which a formula gets names for its parts: about two lines of print. The
longest of the shelf that are read at a glance (Penman-Monteith, 34) stay whole."""
# Operations of a part below which a name is no shorter than what it stands for.
WORTH = 3


def readable(process: Mapping[str, Any], taken: Collection[str] = ()) -> dict[str, Any]:
    """Return name -> expression as a process is printed: each part before what holds it.

    Args:
        process: target -> expression.
        taken: names that the parts must not have, beside those of the process.
    """
    written = with_quotients(process)
    formulas = list(written.values())
    if sum(map(sympy.count_ops, formulas)) <= LONG:
        return written
    used = {str(s) for formula in formulas for s in formula.free_symbols}
    used |= {*written, *taken}
    # Names that cannot be anyone's: which parts stay is known only below.
    parts, short = shared_parts(formulas, used, numbered("_part"))
    parts, short = _worth_a_name(parts, short)
    # A part that is a target has its name, and the others letters as they are read.
    targets = {f: n for n, f in reversed(list(zip(written, short, strict=True)))}
    words = (word for word in letters() if word not in used)
    names = {
        symbol: sympy.Symbol(targets.get(symbol) or next(words), real=True)
        for symbol, _ in parts
    }
    lines = {names[symbol].name: formula for symbol, formula in parts}
    lines |= {n: f for n, f in zip(written, short, strict=True) if n not in lines}
    return {name: formula.xreplace(names) for name, formula in lines.items()}


def _worth_a_name(
    parts: Sequence[tuple[Any, Any]], short: Sequence[Any]
) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """Write parts of few operations out again."""
    kept: list[tuple[Any, Any]] = []
    back: dict[Any, Any] = {}
    for symbol, formula in parts:
        # A part may hold earlier ones that were written out again: it grows by them.
        whole = formula.xreplace(back)
        if sympy.count_ops(whole) < WORTH:
            back[symbol] = whole
        else:
            kept.append((symbol, whole))
    return kept, [formula.xreplace(back) for formula in short]
