"""Hand-written passes against the readable definition, and against differences."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciren.kernels import layer as layers
from sciren.kernels.network import backward, forward

WIDTHS = [(3, 1), (2, 3), (3, 4, 1), (2, 3, 2), (2, 3, 3, 1)]
WEIGHTS = {"entropy": 0.3, "l1": 0.2, "smooth": 1e-2}


def batch(streams, inputs, seed=0, rows=40, reach=1.6):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(streams, rows, inputs, generator=generator, dtype=torch.float64)
    return (x * 2 - 1) * reach  # beyond the knots too


def run(reference, nets, x, streams, **weights):
    """Outputs, penalties and gradients of a random functional of both."""
    plan, coefficients, biases = reference.grouped(nets, streams, **weights)
    done = forward(plan, coefficients, biases, reference.rows_of(plan, x))
    count = done.outputs.numel()
    pull = torch.sin(torch.arange(count, dtype=x.dtype)).view_as(done.outputs)
    penalty = torch.stack(list(done.terms.values())).sum(0)
    slopes, by_bias = backward(plan, done, pull)
    return done.outputs, penalty, [*slopes, *by_bias], pull


def compare(reference, widths, members, streams, seed=0, **options):
    form = options.pop("form", "code")
    nets = [reference.Net(widths, seed + k, **options) for k in range(members)]
    x, each = batch(streams, widths[0], seed), members // streams
    outputs, penalty, slopes, pull = run(
        reference, nets, x, streams, form=form, **WEIGHTS
    )
    depth = len(widths) - 1
    for k, net in enumerate(nets):
        leaves = [leaf.requires_grad_() for leaf in net.weights()]
        y, expected = net(x[k // each], form=form, **WEIGHTS)
        torch.testing.assert_close(outputs[k].T, y)
        torch.testing.assert_close(penalty[k], expected)
        total = (y.T * pull[k]).sum() + expected
        for number, true in enumerate(torch.autograd.grad(total, leaves)):
            place = number % depth
            found = slopes[number]
            if place == 0:
                start = (k % each) * widths[1]
                columns = slice(start, start + widths[1])
                found = (
                    found[k // each][:, columns]
                    if number == 0
                    else (found[k // each][columns])
                )
            else:
                found = found[k]
            live = net.layers[number].mask.unsqueeze(-1) if number < depth else 1.0
            torch.testing.assert_close(found, true * live, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize(("members", "streams"), [(1, 1), (4, 1), (4, 2), (3, 3)])
def test_members_side_by_side_are_the_networks_one_by_one(
    reference, widths, members, streams
):
    compare(reference, widths, members, streams)


@pytest.mark.parametrize("outside", ["linear", "zero"])
@pytest.mark.parametrize("base", ["zero", "identity", "silu"])
@pytest.mark.parametrize("form", ["code", "paper"])
@pytest.mark.parametrize("masked", [False, True])
def test_every_form_is_its_definition(reference, outside, base, form, masked):
    for widths in ((3, 1), (3, 2, 1)):
        compare(
            reference,
            widths,
            2,
            1,
            outside=outside,
            base=base,
            form=form,
            masked=masked,
        )


@settings(max_examples=20)
@given(seed=st.integers(0, 2**30), members=st.integers(1, 3))
def test_any_start_is_its_definition(reference, seed, members):
    compare(reference, (3, 2, 1), members, 1, seed)


def test_layers_worked_on_in_blocks_are_the_same(reference, monkeypatch):
    monkeypatch.setattr(layers, "BLOCK", 150)
    compare(reference, (5, 4, 3, 2), 2, 1)


@pytest.mark.parametrize("widths", [(2, 1), (2, 3, 1)])
def test_gradients_of_the_scores_agree_with_differences(reference, widths):
    """With the sizes of the nodes held, as the definition says."""
    net = reference.Net(widths, 1)
    plan, coefficients, biases = reference.grouped([net], entropy=0.3, l1=0.2)
    rows = reference.rows_of(plan, batch(1, 2, rows=30))
    done = forward(plan, coefficients, biases, rows)
    pull = torch.zeros_like(done.outputs)
    found, _ = backward(plan, done, pull)
    step, x = 1e-6, batch(1, 2, rows=30)[0]
    sizes = [layers_of(net, x, depth) for depth in range(len(widths) - 1)]
    for depth, layer in enumerate(net.layers):
        for place in ((0, 0, 2), (1, 0, 4)):
            values = []
            for sign in (1, -1):
                layer.c[place] += sign * step
                values.append(held_penalty(net, x, sizes))
                layer.c[place] -= sign * step
            change = (values[0] - values[1]) / (2 * step)
            assert float(found[depth][0][place]) == pytest.approx(change, abs=1e-5)


def layers_of(net, x, depth):
    for layer in net.layers[: depth + 1]:
        edges = net.edges(layer, x)
        x = edges.sum(1) + layer.bias
    total = edges.sum(1)
    return (total - total.mean(0)).abs().mean()


def held_penalty(net, x, sizes):
    scores, deviations = [], []
    for layer in net.layers:
        edges = net.edges(layer, x)
        deviations.append((edges - edges.mean(0)).abs().mean(0))
        x = edges.sum(1) + layer.bias
    above = torch.ones(1, dtype=x.dtype)
    for size, each in zip(reversed(sizes), reversed(deviations), strict=True):
        scores.append(each * above / size)
        above = scores[-1].sum(1)
    total = 0.0
    for score in scores:
        p = score / score.sum()
        total += 0.2 * score.sum() - 0.3 * (p * torch.log2(p + 1e-4)).sum()
    return float(total)


def test_without_penalties_there_is_no_term(reference):
    net = reference.Net((3, 2), 0)
    plan, coefficients, biases = reference.grouped([net], **WEIGHTS)
    done = forward(
        plan, coefficients, biases, reference.rows_of(plan, batch(1, 3)), False
    )
    assert done.terms == {}
    assert done.slopes == []
    full = forward(plan, coefficients, biases, reference.rows_of(plan, batch(1, 3)))
    assert set(full.terms) == {"entropy", "l1", "smooth"}
    torch.testing.assert_close(done.outputs, full.outputs)


def test_single_precision_agrees_to_six_digits(reference):
    net = reference.Net((3, 4, 1), 0)
    plan, coefficients, biases = reference.grouped([net])
    rows = reference.rows_of(plan, batch(1, 3, reach=1.0))
    exact = forward(plan, coefficients, biases, rows).outputs
    few = [[part.float() for part in parts] for parts in (coefficients, biases)]
    near = forward(plan, *few, rows.float(), penalties=False).outputs
    assert float((near - exact).abs().max() / exact.abs().max()) < 1e-6
