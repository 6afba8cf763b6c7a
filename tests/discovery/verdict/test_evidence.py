"""What a judgement rests on: features that act together cannot be selected one by one."""

from discovery.verdict.equation_fit import interacting
from symbolic.families.library import FAMILIES
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.structure import LatentStructure

LINE = FAMILIES["linear"][0]


def test_features_of_a_node_of_several_act_together_and_others_do_not():
    a, b, c = (EdgeTerm(source, LINE, (1.0,)) for source in range(3))
    together = LatentStructure("y", 0.0, (c,), (Node("exp", 1.0, 0.0, (a, b)),))
    assert interacting(together) == {0, 1}
    alone = LatentStructure("y", 0.0, (c,), (Node("exp", 1.0, 0.0, (a, a)),))
    assert interacting(alone) == set()
    assert interacting(LatentStructure("y", 0.0, (a, b))) == set()
