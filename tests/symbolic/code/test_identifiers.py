"""Identifiers are legal, different, and the same whenever they are asked for."""

import re

from hypothesis import given
from hypothesis import strategies as st

from symbolic.code.identifiers import LONGEST, Identifiers


@given(st.lists(st.text(max_size=80), unique=True, max_size=12), st.booleans())
def test_any_names_become_legal_and_different(names, folded):
    identifiers = Identifiers(["for", "end"], folded)
    found = [identifiers("argument", name) for name in names]
    assert found == [identifiers("argument", name) for name in names]
    keys = [word.lower() for word in found] if folded else found
    assert len(set(keys)) == len(keys)
    assert not {"for", "end"} & set(keys)
    for word in found:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", word)
        assert len(word) <= LONGEST


def test_equal_names_of_two_kinds_differ():
    identifiers = Identifiers([])
    assert identifiers("function", "rb") == "rb"
    assert identifiers("argument", "rb") == "rb_2"
