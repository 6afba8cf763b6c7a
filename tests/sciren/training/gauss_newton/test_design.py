"""The spline design: kept or made when needed, whole or in chunks, the same numbers."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sciren.encoders import KANEncoder
from sciren.splines import greville
from sciren.training.gauss_newton import design as module
from sciren.training.gauss_newton.design import SplineDesign, chunks


@pytest.fixture(scope="module")
def encoder(make):
    found = KANEncoder(3, 2, grid=4)
    found.prepare(make.normals(50, 3))
    return found


@pytest.fixture(scope="module")
def designs(encoder, make):
    """The same design kept in memory, and made by chunks of few rows."""
    scaled = make.normals(1200, 3, seed=1)
    kept = SplineDesign.of(encoder, scaled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "KEPT", 0)
        made = SplineDesign.of(encoder, scaled)
    assert made.kept is None
    return kept, made


@given(st.integers(0, 100_000), st.integers(0, 10_000))
def test_chunks_cover_all_rows_once(rows, numbers):
    parts = list(chunks(rows, numbers))
    assert parts[0].start == 0
    assert parts[-1].stop == rows
    assert all(a.stop == b.start for a, b in itertools.pairwise(parts))
    size = max(part.stop - part.start for part in parts)
    assert size <= module.LEAST_ROWS or size * numbers <= module.AT_ONCE


def test_a_design_that_is_not_kept_gives_the_same_numbers(designs, make, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 1000)
    kept, made = designs
    coefficients = make.normals(2, 3, 1 + kept.width, seed=2)
    for one in (coefficients, coefficients[..., 1:]):
        torch.testing.assert_close(kept.times(one), made.times(one))
    rows = torch.tensor([5, 3, 700])
    torch.testing.assert_close(made.mean, kept.mean)
    torch.testing.assert_close(made.gram(), kept.gram())
    torch.testing.assert_close(made.take(rows).matrix, kept.matrix[rows])
    curves = coefficients[0, :, 1:]
    torch.testing.assert_close(made.deviation(curves), kept.deviation(curves))


def test_sums_over_chunks_are_those_over_all_rows(designs, make, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 1000)
    design = designs[0]
    matrix = design.matrix
    torch.testing.assert_close(design.gram(), matrix.mT @ matrix / len(matrix))
    curves = make.normals(2, design.width, seed=3)
    edges = torch.einsum(
        "nfm,jfm->nfj", matrix.unflatten(1, (3, -1)), curves.unflatten(1, (3, -1))
    )
    torch.testing.assert_close(design.deviation(curves), edges.std(0, correction=0))
    coefficients = make.normals(1, 2, 1 + design.width, seed=4)
    expected = design.columns(slice(None)) @ coefficients[0].mT
    torch.testing.assert_close(design.times(coefficients)[0], expected)


def test_without_features_only_ones_are_left(designs):
    empty = designs[0].without_features()
    assert (empty.n_features, empty.width) == (0, 0)
    assert torch.equal(empty.columns(slice(0, 4)), torch.ones(4, 1).double())


def test_the_smoothest_curves_hold_the_lines_and_span_their_design(designs, encoder):
    kept = designs[0]
    curves = kept.smoothest(3)
    assert curves.shape == (kept.width, 9)
    torch.testing.assert_close(curves.mT @ curves, torch.eye(9).double())
    layer = encoder.spline_layers[0]
    lines = greville(layer.low, layer.high, layer.intervals)
    for k, line in enumerate(lines):
        own = curves[k * 7 : (k + 1) * 7, 3 * k : 3 * k + 3]
        straight = line - line.mean()
        torch.testing.assert_close(own @ (own.mT @ straight), straight)
    small = kept.spanned_by(curves)
    torch.testing.assert_close(small.matrix, kept.matrix @ curves)
    some = torch.linspace(-1, 1, 9, dtype=torch.float64)
    bent = some @ small.penalty @ some
    whole = curves @ some
    torch.testing.assert_close(bent, whole @ kept.penalty @ whole)
