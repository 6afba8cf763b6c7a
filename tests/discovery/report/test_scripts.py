"""The interpreter of the page knows every kind of node that a formula may hold."""

from pathlib import Path

import pytest

import discovery
from symbolic.expression.nodes import CONSTANTS, FUNCTIONS, OPERATORS, RELATIONS

SCRIPTS = Path(discovery.__file__).parent / "templates" / "report"
LEAVES = ("symbol", "rational", "level", "exact", "true", "false", "cases", "call")


@pytest.mark.parametrize(
    "kind", [*LEAVES, *CONSTANTS, *FUNCTIONS, *OPERATORS, *RELATIONS]
)
def test_a_kind_of_node_is_known(kind):
    text = (SCRIPTS / "expression.js").read_text(encoding="utf-8")
    named = (f'kind === "{kind}"', f'case "{kind}"', f" {kind}:")
    assert any(words in text for words in named)


def test_no_script_evaluates_text_or_asks_for_anything():
    for script in SCRIPTS.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        for word in ("eval(", "new Function", "fetch(", "XMLHttpRequest", "import("):
            assert word not in text, f"{script.name}: {word}"
