r"""Reads the LaTeX that ``to_latex`` prints back to an expression.

A small tokenizer and a recursive-descent parser; nothing is evaluated as code. It is
made for the check that a printed formula is the formula, not for LaTeX in general.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.relational import Relational

from sciren.errors import ExpressionError
from symbolic.expression.atoms import Level
from symbolic.expression.nodes import FUNCTIONS, OPERATORS, RELATIONS
from symbolic.printing.latex import COMMANDS, RELATION_SIGNS, WORDS, latex_label
from symbolic.printing.layout import BREAK
from symbolic.printing.symbols import latex_symbols

NUMBER = re.compile(r"(\d+(?:(?:\.|\{,\})\d+)?)(?: \\times 10\^\{(-?\d+)\})?")
SKIPPED = re.compile(r"(?:\s|\\,)+")
AND, OR, NOT = (WORDS[word].strip() for word in ("and", "or", "not"))
OTHERWISE, NEVER, PI, E = (WORDS[word] for word in ("otherwise", "never", "pi", "e"))
FIXED = (
    r"\left(", r"\right)", r"\left|", r"\right|", r"\frac", r"\sqrt",
    r"\begin{cases}", r"\end{cases}", r"\\", r"\text{if }", r"\cdot",
    AND, OR, NOT, OTHERWISE, NEVER, PI, E, *RELATION_SIGNS.values(),
    "^", "/", "{", "}", "+", "-", ",", "&",
)  # fmt: skip
OPENERS = (r"\left(", r"\left|", r"\frac", r"\sqrt", r"\begin{cases}", PI, E)
DEEPEST = 80  # brackets inside one another: below the recursion limit of Python


@dataclass(frozen=True)
class Token:
    """A piece of LaTeX: its kind, its text and where it begins."""

    kind: str
    text: str
    start: int


def read_latex(
    text: str,
    symbols: Iterable[Any],
    functions: Iterable[str] = (),
    latex: Mapping[str, str] | None = None,
    levels: Iterable[tuple[str, Level]] = (),
) -> Any:
    """Return the sympy expression of printed LaTeX.

    Args:
        text: output of ``to_latex``; digits=None for the same numbers.
        symbols: sympy symbols that may occur.
        functions: names of named functions that may occur.
        latex: the map name -> LaTeX that was given to ``to_latex``.
        levels: feature and class, of the classes that may occur; see `levels_in`.
    Raises:
        ExpressionError: the text is not what ``to_latex`` prints for these names.
    """
    by_name = {symbol.name: symbol for symbol in symbols}
    # names are read as they were printed, by the same rules
    printed = latex_symbols([*by_name, *functions], latex)
    expressions: dict[str, Any] = {printed[name]: by_name[name] for name in by_name}
    calls = {printed[name]: sympy.Function(name) for name in functions}
    # a broken equation is one equation
    text = text.replace(BREAK, " ")
    classes = {(name, latex_label(level.label)): level for name, level in levels}
    tokens = _tokens(text, [*expressions, *calls], {label for _, label in classes})
    return _Reader(text, tokens, expressions, calls, classes).whole()


def levels_in(expression: Any) -> list[tuple[str, Level]]:
    """Return feature and class of every comparison of a formula with a class."""
    return [
        (relation.lhs.name, relation.rhs)
        for relation in expression.atoms(Relational)
        if isinstance(relation.rhs, Level) and relation.rhs.label
    ]


def _tokens(text: str, names: list[str], labels: Iterable[str]) -> list[Token]:
    pieces = [("name", name) for name in names]
    pieces += [("level", label) for label in labels]
    pieces += [("command", command) for command in COMMANDS.values()]
    pieces += [("fixed", word) for word in FIXED]
    # Longest first; a name of the user's goes before a command of the same length.
    pieces.sort(key=lambda piece: -len(piece[1]))
    tokens, start = [], 0
    while start < len(text):
        # white space and thin spaces mean nothing
        skipped = SKIPPED.match(text, start)
        if skipped:
            start = skipped.end()
            continue
        number = NUMBER.match(text, start)
        if number:
            tokens.append(Token("number", number.group(), start))
            start = number.end()
            continue
        kind, word = _longest(text, start, pieces)
        tokens.append(Token(kind, word, start))
        start += len(word)
    return tokens


def _longest(text: str, start: int, pieces: list[tuple[str, str]]) -> tuple[str, str]:
    for kind, word in pieces:
        # pieces come longest first, so that \tan is not read where \tanh stands
        if text.startswith(word, start):
            return kind, word
    raise ExpressionError(
        f"position {start}: {text[start : start + 20]!r} is no symbol, number or sign "
        "of this formula"
    )


@dataclass
class _Reader:
    text: str
    tokens: list[Token]
    symbols: Mapping[str, Any]
    calls: Mapping[str, Any]
    levels: Mapping[tuple[str, str], Level]
    place: int = 0
    depth: int = 0

    def whole(self) -> Any:
        result = self.sum()
        if self.place < len(self.tokens):
            self.fail("the end")
        return result

    def peek(self, *words: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place].text in words

    def take(self, *words: str) -> str | None:
        if not self.peek(*words):
            return None
        self.place += 1
        return self.tokens[self.place - 1].text

    def expect(self, *words: str) -> str:
        word = self.take(*words)
        return word if word is not None else self.fail(" or ".join(words))

    def fail(self, wanted: str) -> Any:
        if self.place < len(self.tokens):
            token = self.tokens[self.place]
            where = f"position {token.start}: {token.text!r}"
        else:
            where = "the end"
        raise ExpressionError(
            f"{where} stands where {wanted} is needed in {self.text!r}"
        )

    def sum(self) -> Any:
        return _product(self.sum_factors())

    def sum_factors(self) -> list[Any]:
        """Return the factors of a single product, or a sum as the only factor.

        Factors stay apart until all of them are known: sympy would multiply out a
        number times a bracket that other factors keep together.
        """
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(f"a formula may be {DEEPEST} levels deep")
        # grammar: sum = [sign] product { sign product }
        terms = [self.product(self.take("-", "+") == "-")]
        while sign := self.take("+", "-"):
            terms.append(self.product(sign == "-"))
        self.depth -= 1
        if len(terms) == 1:
            return terms[0]
        return [sympy.Add(*map(_product, terms))]

    def product(self, negative: bool) -> list[Any]:
        # product = factor { [dot] factor | slash divisor }
        factors = self.factor()
        while self.take(r"\cdot") or self.starts_factor() or self.peek("/"):
            if self.take("/"):
                factors += [sympy.Pow(f, -1) for f in self.divisor()]
            else:
                factors += self.factor()
        if not negative:
            return factors
        # -2 x is one number and x, as sympy keeps it
        if factors[0].is_Number:
            return [-factors[0], *factors[1:]]
        return [sympy.Integer(-1), *factors]

    def starts_factor(self) -> bool:
        if self.place >= len(self.tokens):
            return False
        token = self.tokens[self.place]
        return token.kind in ("number", "name", "command") or token.text in OPENERS

    def factor(self) -> list[Any]:
        """Return the factors of one printed piece (a fraction has several)."""
        if self.take(r"\frac"):
            above, below = self.braced(self.sum_factors), self.braced(self.sum_factors)
            return [*above, *(sympy.Pow(factor, -1) for factor in below)]
        # factor = fraction, or atom with an exponent
        base = self.atom()
        if not self.take("^"):
            return [base]
        return [sympy.Pow(base, self.braced(self.sum))]

    def divisor(self) -> list[Any]:
        """Return the factors after a slash, those inside a bracket one by one."""
        if not self.take(r"\left("):
            return self.factor()
        factors = self.sum_factors()
        self.expect(r"\right)")
        if self.take("^"):
            return [sympy.Pow(_product(factors), self.braced(self.sum))]
        return factors

    def braced(self, read: Callable[[], Any]) -> Any:
        self.expect("{")
        value = read()
        self.expect("}")
        return value

    def atom(self) -> Any:
        if self.place >= len(self.tokens):
            self.fail("a number or symbol")
        token = self.tokens[self.place]
        if token.kind == "number":
            self.place += 1
            return _number(token.text)
        if token.kind == "name" and token.text in self.symbols:
            self.place += 1
            return self.symbols[token.text]
        if token.kind in ("name", "command"):
            return self.application()
        return self.bracket()

    def application(self) -> Any:
        name = self.tokens[self.place].text
        self.place += 1
        self.expect(r"\left(")
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.expect(r"\right)")
        if name in self.calls:
            return self.calls[name](*arguments)
        kind = next(kind for kind, command in COMMANDS.items() if command == name)
        # As printed: sympy may simplify a function further on a second look.
        return {**FUNCTIONS, **OPERATORS}[kind](*arguments, evaluate=False)

    def bracket(self) -> Any:
        if self.take(PI):
            return sympy.pi
        if self.take(E):
            return sympy.E
        if self.take(r"\sqrt"):
            return sympy.sqrt(self.braced(self.sum))
        if self.take(r"\left|"):
            value = self.sum()
            self.expect(r"\right|")
            return sympy.Abs(value, evaluate=False)
        if self.take(r"\begin{cases}"):
            return self.cases()
        # What is left is a bracket; anything else is refused with its place.
        self.expect(r"\left(")
        value = self.sum()
        self.expect(r"\right)")
        return value

    def cases(self) -> Any:
        pairs = [self.case()]
        while self.take(r"\\"):
            pairs.append(self.case())
        self.expect(r"\end{cases}")
        return sympy.Piecewise(*pairs, evaluate=False)

    def case(self) -> tuple[Any, Any]:
        value = self.sum()
        self.expect("&")
        self.take(r"\text{if }")
        return value, self.condition()

    def condition(self) -> Any:
        parts = [self.comparison()]
        # "and" and "or" are never mixed without brackets
        word = AND if self.peek(AND) else OR
        while self.take(word):
            parts.append(self.comparison())
        if len(parts) == 1:
            return parts[0]
        return (sympy.And if word == AND else sympy.Or)(*parts)

    def comparison(self) -> Any:
        if self.take(OTHERWISE):
            return sympy.true
        if self.take(NEVER):
            return sympy.false
        if self.take(NOT):
            self.expect(r"\left(")
            inside = self.condition()
            self.expect(r"\right)")
            return sympy.Not(inside, evaluate=False)
        # a bracket may hold a condition or begin a sum: its first level tells
        if self.joined_in_brackets():
            self.expect(r"\left(")
            inside = self.condition()
            self.expect(r"\right)")
            return inside
        left = self.sum()
        sign = self.expect(*RELATION_SIGNS.values())
        kind = next(k for k, text in RELATION_SIGNS.items() if text == sign)
        right = self.level(left) or self.sum()
        return RELATIONS[kind](left, right, evaluate=False)

    def level(self, feature: Any) -> Level | None:
        """Read the class that a feature is compared with, if there is one."""
        if self.place >= len(self.tokens) or self.tokens[self.place].kind != "level":
            return None
        label = self.tokens[self.place].text
        level = self.levels.get((str(feature), label))
        return (
            self.fail(f"a class of {feature}") if level is None else self.taken(level)
        )

    def taken(self, level: Level) -> Level:
        self.place += 1
        return level

    def joined_in_brackets(self) -> bool:
        """Whether the bracket that opens here holds a condition."""
        if not self.peek(r"\left("):
            return False
        depth = 0
        # to the matching bracket
        for token in self.tokens[self.place :]:
            depth += (token.text == r"\left(") - (token.text == r"\right)")
            if depth == 0:
                return False
            if depth == 1 and token.text in (AND, OR):
                return True
        return False


def _product(factors: list[Any]) -> Any:
    if len(factors) == 1:
        return factors[0]
    # A number before a bracket is printed only where sympy had not multiplied it out.
    *numbers, last = factors
    if last.is_Add and all(number.is_Number for number in numbers):
        return sympy.Mul(sympy.Mul(*numbers), last, evaluate=False)
    return sympy.Mul(*factors)


def _number(text: str) -> Any:
    match = NUMBER.fullmatch(text)
    digits, power = match.groups() if match else (text, None)
    digits = digits.replace("{,}", ".")
    if "." not in digits and power is None:
        return sympy.Integer(int(digits))
    return sympy.Float(float(f"{digits}e{power or 0}"))
