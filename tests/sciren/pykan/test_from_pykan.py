"""A pykan model and the encoder that comes from it give the same outputs."""

import sys
from copy import deepcopy

import pytest
import torch
from torch import nn

from sciren.encoders import KANEncoder
from sciren.errors import ColumnError, ConfigError, FormatError, ShapeError
from sciren.pykan import PykanEncoder, contained, from_pykan, obstacles

FEATURES = ("sw_pot", "dsw_pot", "ta")


@torch.no_grad()
def gap(encoder, case):
    expected = case.outputs()
    assert expected.std() > 0.1
    return float((encoder(case.rows.double()) - expected).abs().max())


def test_every_kind_gives_the_same_outputs(case):
    encoder = from_pykan(case.model, FEATURES)
    assert gap(encoder, case) < 1e-5  # rounding of pykan's single precision
    assert isinstance(encoder, KANEncoder if case.even else PykanEncoder)
    if isinstance(encoder, PykanEncoder):
        assert obstacles(encoder)


def test_what_is_left_is_the_rounding_of_pykan(case):
    case.outputs()
    exact = nn.Module.double(deepcopy(case.model))
    with torch.no_grad():
        expected = exact(case.rows.double())
        outputs = from_pykan(case.model, FEATURES)(case.rows.double())
    # evenly spaced knots lose their own rounding, the others nothing
    limit = 2e-6 if case.even else 1e-12
    torch.testing.assert_close(outputs, expected, rtol=limit, atol=limit)


def test_its_files_give_the_same_encoder(case, checkpoint):
    path = checkpoint(case.model)
    stored = from_pykan(str(path), FEATURES, kept=case.kept, base=case.base)
    live = from_pykan(case.model, FEATURES, kept=case.kept)
    assert type(stored) is type(live)
    assert stored.settings() == live.settings()
    weights = live.state_dict()
    assert all(torch.equal(v, weights[k]) for k, v in stored.state_dict().items())


def test_reading_files_does_not_load_pykan(checkpoint, plain, monkeypatch):
    path = checkpoint(plain)
    for name in [name for name in sys.modules if name.split(".")[0] == "kan"]:
        monkeypatch.delitem(sys.modules, name)
    from_pykan(path, FEATURES)
    assert "kan" not in sys.modules


def test_a_switched_off_symbolic_branch_stays_off(made):
    case = made("symbolic")
    case.model.symbolic_enabled = False
    try:
        encoder = from_pykan(case.model, FEATURES)
        assert gap(encoder, case) < 2e-6
        assert isinstance(encoder, KANEncoder)
    finally:
        case.model.symbolic_enabled = True


def test_a_constant_closed_form_keeps_its_constant(make):
    model = make(width=(3, 1))
    model.act_fun[0].mask.data[1, 0] = 0
    model.symbolic_fun[0].mask.data[0, 1] = 1
    model.symbolic_fun[0].affine.data[0, 1] = torch.tensor([0.0, 0.0, 0.0, 7.0])
    encoder = from_pykan(model, FEATURES)
    rows = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(encoder(rows.double()).float(), model(rows))


def test_dropped_features_have_no_edges(made):
    case = made("input-pruned")
    encoder = from_pykan(case.model, FEATURES)
    assert encoder.n_inputs == 3
    assert (encoder.spline_layers[0].mask != 0).any(1).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("order", "message"),
    [(2, "order 2, not cubic"), (3, r"2 symbolic edges, the first 0 -> 0 'sin'")],
)
def test_obstacles_are_named(made, order, message):
    model = made("quadratic" if order == 2 else "symbolic").model
    encoder = from_pykan(model, FEATURES)
    assert any(message in obstacle for obstacle in obstacles(encoder))


def test_uneven_knots_matter_only_where_an_edge_is_left(made):
    encoder = from_pykan(made("adaptive").model, FEATURES)
    first, second = obstacles(encoder)
    assert "layer 0 has unevenly spaced (adaptive) knots at inputs [0, 1, 2]" in first
    assert "layer 1" in second
    encoder.spline_layers[0].mask[:2] = 0
    assert "at inputs [2]" in obstacles(encoder)[0]


def test_all_knots_in_one_place_are_no_even_grid(make):
    model = make(width=(3, 1))
    model.act_fun[0].grid.data[1] = 0.25
    encoder = from_pykan(model, FEATURES)
    assert "at inputs [1]" in obstacles(encoder)[0]
    rows = torch.linspace(-1, 1, 30).repeat(3, 1).T.contiguous()
    with torch.no_grad():
        torch.testing.assert_close(encoder(rows.double()).float(), model(rows))


class TestKeptColumns:
    def test_named_columns_are_taken_in_the_order_of_the_network(
        self, made, checkpoint
    ):
        case = made("input-pruned")
        path = checkpoint(case.model)
        encoder = from_pykan(path, FEATURES, kept=["ta", "sw_pot"], base="silu")
        assert gap(encoder, case) < 2e-6
        swapped = from_pykan(path, FEATURES, kept=["sw_pot", "ta"], base="silu")
        assert gap(swapped, case) > 0.1

    def test_a_file_needs_them_named(self, made, checkpoint):
        path = checkpoint(made("input-pruned").model)
        with pytest.raises(
            ConfigError, match=r"takes 2 of 3 features.*kept=\[...\] out"
        ):
            from_pykan(path, FEATURES, base="silu")

    def test_a_model_that_lost_them_needs_them_named(self, made):
        with contained():
            model = made("input-pruned").model
            model(torch.rand(50, 3))
            again = model.prune_node(active_neurons_id=[[0]])
        with pytest.raises(ConfigError, match="takes 2 of 3 features"):
            from_pykan(again, FEATURES)
        from_pykan(again, FEATURES, kept=["ta", "sw_pot"])

    @pytest.mark.parametrize(
        ("kept", "error", "message"),
        [
            (["ta", "sw"], ColumnError, "'sw' is no feature. Closest names: sw_pot"),
            (["ta"], ConfigError, "the network has 2 inputs, name each once"),
            (["ta", "ta"], ConfigError, "the network has 2 inputs, name each once"),
        ],
    )
    def test_wrong_names_are_refused(self, made, kept, error, message):
        with pytest.raises(error, match=message):
            from_pykan(made("input-pruned").model, FEATURES, kept=kept)

    def test_too_few_features_are_refused(self, plain, made):
        with pytest.raises(ShapeError, match="has 3 inputs, only 2 features"):
            from_pykan(plain, FEATURES[:2])
        with pytest.raises(ColumnError, match="repeat a name"):
            from_pykan(plain, ["ta", "ta", "sw"])
        model = made("input-pruned").model
        kept, model.input_id = model.input_id, torch.tensor([5, 0])
        try:
            with pytest.raises(
                ShapeError, match=r"takes columns \[5, 0\], features has 3"
            ):
                from_pykan(model, FEATURES)
        finally:
            model.input_id = kept


class TestRefusals:
    def test_multiplication_nodes(self, make):
        model = make(width=(3, [1, 2], 1))
        with pytest.raises(
            FormatError, match="layer 0 multiplies: 5 sums become 3 nodes"
        ):
            from_pykan(model, FEATURES)

    def test_functions_of_the_user(self, make):
        model = make(width=(3, 1))
        with contained():
            model.fix_symbolic(0, 1, 0, torch.sinc, fit_params_bool=False)
        with pytest.raises(FormatError, match=r"edge 1 -> 0 of layer 0 .*'anonymous'"):
            from_pykan(model, FEATURES)

    def test_other_base_functions(self, make):
        model = make(width=(3, 1), base_fun=torch.tanh)
        with pytest.raises(FormatError, match="is none of silu, identity, zero"):
            from_pykan(model, FEATURES)

    def test_other_objects(self):
        with pytest.raises(
            FormatError, match=r"a Linear is no pykan 0.2 model \(it has"
        ):
            from_pykan(nn.Linear(3, 1), FEATURES)

    def test_weights_that_are_not_finite(self, make):
        model = make(width=(3, 1))
        model.act_fun[0].coef.data[0, 0, 0] = torch.nan
        with pytest.raises(
            FormatError, match=r"'act_fun.0.coef' holds numbers that are"
        ):
            from_pykan(model, FEATURES)
