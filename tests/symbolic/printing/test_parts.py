"""Names for repeated parts change how a process reads, never what it says."""

import random

import pytest
import sympy

from sciren.processes import SHELF
from symbolic.expression.removable import with_quotients
from symbolic.expression.tracing import trace
from symbolic.printing import parts
from symbolic.printing.parts import readable
from symbolic.printing.text import to_text

LONG = ("pk_two", "pk_two_oral", "penman_monteith", "fao56", "fvcb", "nee_lasslop")


def whole(lines, name):
    """Write the named parts into the formula of a target again."""
    formula = lines[name]
    for part, inside in reversed(list(lines.items())[: list(lines).index(name)]):
        formula = formula.xreplace({sympy.Symbol(part, real=True): inside})
    return formula


@pytest.mark.parametrize("name", LONG)
def test_parts_written_out_are_the_process(name):
    process = with_quotients(trace(SHELF[name], {}))
    lines = readable(process)
    assert set(process) < set(lines) or len(process) == len(lines)
    draw = random.Random(1)
    for target, formula in process.items():
        values = {s: draw.uniform(2, 9) for s in formula.free_symbols}
        want, have = formula.evalf(subs=values), whole(lines, target).evalf(subs=values)
        assert abs(want - have) <= 1e-9 * abs(want)


@pytest.mark.parametrize("name", LONG)
def test_parts_stand_before_what_holds_them_and_are_no_one_elses(name):
    process = trace(SHELF[name], {})
    taken = {"a", "c"}
    lines = readable(process, taken)
    used = {str(s) for formula in process.values() for s in formula.free_symbols}
    own = set(lines) - set(process)
    assert not own & (used | taken)
    known = set(used)
    for left, right in lines.items():
        assert {str(s) for s in right.free_symbols} <= known
        known.add(left)
    # No name for what is as short as a name.
    assert all(sympy.count_ops(lines[part]) >= parts.WORTH for part in own)


def test_a_wall_becomes_lines():
    process = with_quotients(trace(SHELF["pk_two"], {}))
    before = max(len(to_text(formula, 4)) for formula in process.values())
    after = max(len(to_text(line, 4)) for line in readable(process).values())
    assert before > 900
    assert after < before / 4


@pytest.mark.parametrize(
    "name", ["q10", "michaelis_menten", "nonrectangular_hyperbola"]
)
def test_what_is_read_at_a_glance_stays_whole(name):
    process = with_quotients(trace(SHELF[name], {}))
    assert readable(process) == process


def test_a_target_that_others_hold_keeps_its_name():
    lines = readable(trace(SHELF["nee_lasslop"], {}))
    assert {"gpp", "reco", "nee"} <= set(lines)
    assert sympy.Symbol("gpp", real=True) in lines["nee"].free_symbols
    assert not any(isinstance(line, sympy.Symbol) for line in lines.values())
