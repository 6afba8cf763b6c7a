"""An offset near zero goes, one that the latent shows stays."""

import numpy as np
import pytest

from sciren.data.kinds import Categorical
from symbolic.families.class_effects import class_effects
from symbolic.families.library import FAMILIES
from symbolic.model.structure_storage import structure_from_json, structure_to_json
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.raw_constants import raw_constants
from symbolic.terms.rebuild import Units, raw_expression
from symbolic.terms.structure import LatentStructure
from symbolic.terms.without_offset import SMALL, without_offset

UNITS = Units(
    ("a", "b"), np.array([5.0, -2.0]), np.array([2.0, 0.5]), np.zeros(2), np.ones(2)
)
Z = np.random.default_rng(0).normal(size=(200, 2))


def structure(raw_offset: float) -> LatentStructure:
    """3 a + (b - 1)^2 + raw_offset, in scaled features."""
    line = EdgeTerm(0, FAMILIES["linear"][0], (6.0,))
    parabola = EdgeTerm(1, FAMILIES["quadratic"][0], (0.25, 6.0))
    return LatentStructure("y", raw_offset + 15.0, (line, parabola))


def test_what_is_left_are_the_same_values_without_the_offset():
    before = structure(0.01)
    bare = without_offset(before, UNITS, Z)
    assert bare is not None
    np.testing.assert_allclose(bare.value(Z), before.value(Z) - 0.01, rtol=1e-12)
    assert bare.n_free == before.n_free - 1
    assert [c.name for c in raw_constants([bare], UNITS)] == ["a_a", "a_b", "s_b"]
    assert raw_expression(bare, UNITS).as_coeff_Add()[0] == 0


def test_effects_of_classes_stay_as_they_can_be_stored():
    kind = Categorical(("u", "v", "w"), (0.0, 1.0, 2.0))
    effects = EdgeTerm(1, class_effects(kind, (2, 1, 1)), (0.3, -0.1))
    line = EdgeTerm(0, FAMILIES["linear"][0], (6.0,))
    z = np.column_stack((Z[:, 0], np.arange(len(Z)) % 3))
    # the line of a raw feature sheds 3 * 5
    bare = without_offset(LatentStructure("y", 15.0, (line, effects)), UNITS, z)
    assert bare is not None
    assert bare.edges[1] == effects
    assert structure_from_json(structure_to_json(bare)) == bare


def test_an_offset_of_size_stays():
    large = 2 * SMALL * float(np.std(structure(0.0).value(Z)))
    assert without_offset(structure(large), UNITS, Z) is None
    assert without_offset(structure(-large), UNITS, Z) is None


@pytest.mark.parametrize("edges", [(), (EdgeTerm(0, None, (), None, "f"),)])
def test_constants_and_refused_curves_keep_their_level(edges):
    assert without_offset(LatentStructure("y", 0.0, edges), UNITS, Z) is None
