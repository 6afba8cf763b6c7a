"""Formulas as content MathML, as SBML reads it.

The printer of sympy takes underscores in names for subscripts, which no id may have.

Reference: SBML level 3 version 2 core, section 3.4 (the part of MathML 2.0 that it has).
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import sympy

from sciren.errors import ConfigError

MATHML = "http://www.w3.org/1998/Math/MathML"

OPERATORS: Mapping[Any, str] = {
    sympy.Add: "plus", sympy.Mul: "times", sympy.Pow: "power",
    sympy.exp: "exp", sympy.log: "ln", sympy.Abs: "abs",
    sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.tanh: "tanh",
    sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.atan: "arctan",
    sympy.Max: "max", sympy.Min: "min",
    sympy.And: "and", sympy.Or: "or", sympy.Not: "not",
    sympy.StrictLessThan: "lt", sympy.LessThan: "leq",
    sympy.StrictGreaterThan: "gt", sympy.GreaterThan: "geq",
    sympy.Equality: "eq", sympy.Unequality: "neq",
}  # fmt: skip


def mathml(expression: Any) -> Element:
    """Return a formula as the element ``math``.

    Raises:
        ConfigError: SBML has no such function.
    """
    # Steps and signs are cases; SBML has no functions of them.
    cases = expression.replace(
        lambda part: isinstance(part, sympy.Heaviside | sympy.sign),
        lambda part: part.rewrite(sympy.Piecewise),
    )
    root = ElementTree.Element("math", xmlns=MATHML)
    _append(root, cases)
    return root


def _append(parent: Element, part: Any) -> None:
    if part.is_Symbol:
        SubElement(parent, "ci").text = f" {part.name} "
    elif part.is_Number or part.is_NumberSymbol:
        _number(parent, part)
    elif part in (sympy.true, sympy.false):
        SubElement(parent, str(part).lower())
    elif isinstance(part, sympy.Piecewise):
        _cases(parent, part)
    else:
        operator = OPERATORS.get(type(part))
        if operator is None:
            raise ConfigError(
                f"{part} holds {type(part).__name__}, which SBML does not have; write the "
                "process model without it, or use the source code in code/"
            )
        apply = SubElement(parent, "apply")
        SubElement(apply, operator)
        for argument in part.args:
            _append(apply, argument)


def _number(parent: Element, value: Any) -> None:
    if value.is_Rational and not value.is_Integer:
        number = SubElement(parent, "cn", type="rational")
        number.text = str(value.p)
        SubElement(number, "sep").tail = str(value.q)
        return
    # Powers of ten have an element of their own: 1e-20 is no number of MathML.
    digits, _, power = repr(float(value)).partition("e")
    number = SubElement(parent, "cn", {"type": "e-notation"} if power else {})
    number.text = digits
    if power:
        SubElement(number, "sep").tail = str(int(power))


def _cases(parent: Element, part: Any) -> None:
    cases = SubElement(parent, "piecewise")
    for value, condition in part.args:
        last = condition == sympy.true
        case = SubElement(cases, "otherwise" if last else "piece")
        _append(case, value)
        if not last:
            _append(case, condition)
