"""The interpreter of formulas in the report knows every node that a tree may have."""

from importlib.resources import files

import pytest

from symbolic.expression.nodes import CONSTANTS, FUNCTIONS, OPERATORS, RELATIONS
from symbolic.expression.tree import _READERS

SCRIPT = files("discovery") / "templates" / "report" / "expression.js"
KINDS = [*_READERS, *FUNCTIONS, *OPERATORS, *RELATIONS, *CONSTANTS, "true", "false"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_node_is_known(kind):
    text = SCRIPT.read_text(encoding="utf-8")
    assert f'"{kind}"' in text or f"{kind}: " in text
