"""Scores of trials: 1 - R2 of the validation rows, blocks kept whole."""

import numpy as np
import pandas as pd
import torch

from discovery.tuning.trial import BLOCKS, batches_of, block_losses, size_of
from sciren import KANEncoder, ScIReN, Table, r2


def _table(rows: int, groups: int) -> Table:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.uniform(size=(rows, 2)), columns=["a", "b"])
    frame["y"], frame["w"] = 3 * frame.a + rng.normal(size=rows), frame.b
    frame.loc[3, "w"] = np.nan
    frame["site"] = np.arange(rows) % groups
    return Table.from_frame(frame, ["a", "b"], targets=["y", "w"], groups="site")


def test_the_mean_of_the_blocks_is_the_share_that_is_not_explained():
    from sciren.decoders import IdentityDecoder

    model = ScIReN(KANEncoder(2, 2), decoder=IdentityDecoder(["y", "w"]))
    for groups in (5, 3 * BLOCKS):
        table = _table(4 * BLOCKS, groups)
        parts = block_losses(model, table)
        predicted = model.predict(table).targets.detach().numpy()
        seen = np.isfinite(table.targets.numpy())
        shares = [
            1 - r2(table.targets[seen[:, k], k].numpy(), predicted[seen[:, k], k])
            for k in range(2)
        ]
        assert len(parts) == min(groups, BLOCKS)
        np.testing.assert_allclose(parts.mean(), np.mean(shares), rtol=1e-10)


def test_edges_that_were_dropped_do_not_count():
    encoder = KANEncoder(2, 1)
    model = ScIReN(encoder)
    whole = size_of(model)
    with torch.no_grad():
        encoder.spline_layers[0].mask[0] = 0
    assert size_of(model) == round(whole / 2)


def test_trials_that_differ_in_training_alone_train_together():
    changes = {
        0: {"train.smooth": 1.0, "encoder.hidden": []},
        1: {"train.smooth": 2.0, "encoder.hidden": []},
        2: {"train.smooth": 1.0, "encoder.hidden": [1]},
    }
    assert [sorted(batch.changes) for batch in batches_of({}, changes, 3)] == [
        [0, 1],
        [2],
    ]
