import numpy as np
import pytest
import sympy

from benchmarks.black_box import Seen, latents_through
from benchmarks.cases.drawn import drawn_case
from benchmarks.cases.hybrid import hybrid_case
from benchmarks.peers import METHODS, Found, _read_operon


@pytest.fixture(scope="module")
def hybrid():
    return hybrid_case("Q10", 0, "tuning")


def test_text_of_operon_is_read_in_the_features_of_the_case():
    case = drawn_case("sum", 2, "tuning")
    read = _read_operon("((-0.5) + (2.0 * (abs(X2) + (exp(X1) ^ 2))))", case)
    x1, x2 = case.symbols[:2]
    assert (
        sympy.simplify(read - (-0.5 + 2.0 * sympy.Abs(x2) + 2.0 * sympy.exp(2 * x1)))
        == 0
    )


def test_the_least_wrong_latent_is_in_the_middle_of_the_true_ones(hybrid):
    scale = Seen(hybrid).scale()
    assert hybrid.latent.min() < scale < hybrid.latent.max()


def test_errors_behind_a_process_are_relative(hybrid):
    import torch

    seen = Seen(hybrid)
    truth = torch.as_tensor(hybrid.latent)
    constants = torch.tensor(list(hybrid.constants.values())).double().log()
    errors = seen.loss(truth, constants)
    assert float(errors.mean().sqrt()) == pytest.approx(0.05, rel=0.1)


@pytest.mark.slow
def test_a_black_box_learns_latents_and_constants(hybrid):
    latents, constants = latents_through(hybrid, 5.0)
    assert np.corrcoef(latents, hybrid.latent)[0, 1] > 0.95
    assert constants["q10"] == pytest.approx(hybrid.constants["q10"], rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_a_formula_of_a_plain_sum(method):
    pytest.importorskip("pyoperon" if method == "operon" else "numpy")
    case = drawn_case("sum", 2, "tuning")
    found = METHODS[method](case, 6.0)
    value = sympy.lambdify(case.symbols, found.expression, "numpy")
    left = np.std(value(*case.features.T) - case.clean) / case.clean.std()
    assert np.isfinite(left)  # how well a peer does in a few seconds is its own affair
    assert left < 0.02 or method != "ours"


@pytest.mark.parametrize(
    ("found", "claims"),
    [
        (Found(sympy.Symbol("a"), True), True),
        (Found(sympy.Symbol("a"), False), False),
        (Found(sympy.Float(3.0), True), False),  # a constant is no relation
        (Found(sympy.Symbol("a"), False, several=2), True),
        (Found(None, False), False),
    ],
)
def test_a_claim_is_a_relation_alone_or_in_a_set(found, claims):
    assert found.claims == claims
