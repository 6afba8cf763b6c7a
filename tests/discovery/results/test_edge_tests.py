"""Tables of a discovery: what tests say stands beside the edges of the equations."""

import math

import pandas as pd

from discovery.results.edge_tests import with_tests

EDGES = pd.DataFrame({"source": ["a", "h1_rb"], "latent": ["rb", "rb"]})


def test_words_and_shares_stand_beside_their_edges():
    tests = {"stage": "tests", "feature": "a", "latent": "rb", "status": "kept"}
    tests |= {"inclusion": 0.9, "cannot_tell_from": "b -> rb"}
    found = with_tests(EDGES, pd.DataFrame([{"stage": "edges"}, tests]))
    assert found["asked"].tolist() == ["kept", ""]
    assert found["inclusion"][0] == 0.9
    assert math.isnan(found["inclusion"][1])
    assert found["cannot_tell_from"].tolist() == ["b -> rb", ""]


def test_edges_that_nobody_tested_are_left_as_they_are():
    assert with_tests(EDGES, pd.DataFrame([{"stage": "edges"}])) is EDGES
