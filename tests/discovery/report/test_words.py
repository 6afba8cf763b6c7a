"""A headline says what broke in this run, and nothing that did not."""

import pytest

from discovery.report.words import BELIEF, headline_told
from discovery.verdict.record import Reason, Verdict

HOLDS = [
    Reason(part, "x", True, "Yes") for part in ("faithful", "skilful", "identified")
]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("faithful",), "The equation is not the network."),
        (("skilful",), "It is not shown to predict better than constants do."),
        (
            ("faithful", "skilful"),
            "The equation is not the network and it is not shown to predict better than "
            "constants do.",
        ),
    ],
)
def test_only_what_broke_is_named(parts, told):
    broken = [Reason(part, "x", False, "No", fatal=True) for part in parts]
    assert headline_told(Verdict.of([*HOLDS, *broken])) == told


def test_a_doubt_that_is_not_fatal_leaves_the_usual_words():
    doubt = Reason("skilful", "x", False, "No")
    assert headline_told(Verdict.of(HOLDS)) == BELIEF["supported"]
    assert headline_told(Verdict.of([*HOLDS, doubt])) == BELIEF["partly supported"]
