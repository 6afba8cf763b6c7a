"""fit_ensemble: members end as they would alone, whatever the engines."""

import pytest
import torch

from sciren.decoders import Q10Respiration
from sciren.encoders import KANEncoder, MLPEncoder
from sciren.errors import ConfigError
from sciren.model import ScIReN
from sciren.training import History, TrainConfig, fit, fit_ensemble
from sciren.training.member import Member


def model_of(seed=0, encoder=None):
    return ScIReN(
        encoder or KANEncoder(3, 1, grid=4, seed=seed), "auto", Q10Respiration()
    )


def weights(model):
    return torch.cat([part.flatten() for part in model.state_dict().values()])


@pytest.fixture(scope="module")
def tables(make):
    return [make.respiration(300, seed=seed)[0] for seed in range(4)]


def test_members_end_as_they_would_alone(tables):
    configs = [TrainConfig(seed=1), TrainConfig(seed=2, smooth=0.1, profiles=False)]
    together = [model_of(1), model_of(2)]
    histories = fit_ensemble(together, tables[:2], tables[2], configs)
    for k, config in enumerate(configs):
        alone = model_of(k + 1)
        history = fit(alone, tables[k], tables[2], config)
        torch.testing.assert_close(weights(together[k]), weights(alone))
        assert histories[k].selection == history.selection
        assert histories[k].messages == history.messages
    assert histories[0].summaries
    assert not histories[1].summaries


def test_engines_may_be_mixed(tables):
    models = [model_of(), model_of(encoder=MLPEncoder(3, 1, width=4))]
    config = TrainConfig(epochs=1)
    histories = fit_ensemble(models, tables[0], tables[1], config)
    assert [history.engine for history in histories] == ["gauss-newton", "first-order"]


def test_profiles_can_be_left_out_after_first_order(tables):
    config = TrainConfig(engine="first-order", epochs=1, profiles=False)
    history = fit(model_of(), tables[0], tables[1], config)
    assert not history.summaries
    assert not any("profile" in message for message in history.messages)


def test_wrong_numbers_of_tables_and_settings_are_named(tables):
    with pytest.raises(ConfigError, match="train holds 1 Table for 2 models"):
        fit_ensemble([model_of(), model_of()], tables[:1], tables[1])
    with pytest.raises(ConfigError, match="config holds 0 TrainConfig for 1 models"):
        fit_ensemble([model_of()], tables[0], tables[1], [])


def test_a_model_is_a_member_once(tables):
    model = model_of()
    with pytest.raises(ConfigError, match="occurs twice"):
        fit_ensemble([model, model], tables[0], tables[1])


def test_no_models_give_no_histories(tables):
    assert fit_ensemble([], tables[0], tables[1]) == []


def test_a_member_knows_its_scale_once_it_is_prepared(tables):
    model = model_of()
    member = Member(model, tables[0], tables[1], TrainConfig(), History("none"))
    with pytest.raises(Exception, match="not prepared"):
        _ = member.scale
    fit(model, tables[0], tables[1], TrainConfig(profiles=False))
    assert member.data.train is tables[0]
    assert torch.equal(member.scale.sd, model.residual_scale.sd)
