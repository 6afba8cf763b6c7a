"""Selection of features on all rows that may choose, for either engine.

Training and validation rows are put together again, so that the split decides nothing;
test rows are never seen. What is found goes into the history.
"""

import numpy as np
import torch
from torch import Tensor

from sciren.data.table import Table
from sciren.encoders.baselines import AdditiveEncoder
from sciren.encoders.kan import KANEncoder
from sciren.errors import TrainingError
from sciren.inference.inclusion import with_inclusion
from sciren.inference.minima import two_minima
from sciren.inference.observed import STRETCHES, ObservedProcess
from sciren.inference.search import ALIKE, MANY_EDGES
from sciren.inference.selection import Selection, select
from sciren.model import ScIReN
from sciren.training.config import TrainConfig
from sciren.training.history import History
from sciren.training.preparation import Prepared


def report_features(
    model: ScIReN, data: Prepared, config: TrainConfig, history: History
) -> None:
    """Put the words of every edge beside a model that gradients trained.

    Only where every latent is a sum of curves: the tests know no interactions.
    """
    encoder = model.encoder
    edges = encoder.n_inputs * encoder.n_outputs
    hidden = getattr(encoder, "hidden", ())
    additive = isinstance(encoder, KANEncoder | AdditiveEncoder) and not hidden
    if not model.decoder.rowwise or not additive or edges >= MANY_EDGES:
        return
    try:
        selection = select_features(model, data, config, history)
    # The model is trained already: tests that fail must not take it away.
    except TrainingError as error:
        history.say(f"The features were not tested: {error}")
        return
    names = ", ".join(map(selection.name, selection.kept)) or "no edge"
    history.say(f"The data ask for {names}, whatever this training kept.")


def select_features(
    model: ScIReN,
    data: Prepared,
    config: TrainConfig,
    history: History,
    factors: tuple[Tensor, Tensor] | None = None,
) -> Selection:
    """Sort the edges of an additive encoder into kept, undecided and excluded.

    The model keeps the law of the noise that was estimated on the way.

    Args:
        model: its decoder, bounds and constants; the encoder is not used.
        data: training and validation rows.
        config: ``noise`` says how the noise grows, where the user knows it.
        history: gets the words of every edge, and what the user must know.
        factors: weights of the observations of training and validation rows.
    Raises:
        TrainingError: the process has no finite value at the start.
    """
    table, weights = _together(data, factors)
    process = ObservedProcess.of(model, table, data.scale, weights).stretches()
    if process.n_rows < len(table):
        history.say(
            f"Features were selected on {process.n_rows} of {len(table)} rows, in "
            f"{STRETCHES} stretches."
        )
    # None leaves the exponent of the noise to the selection.
    power = {"constant": 0.0, "proportional": 1.0}.get(config.noise)
    selection = with_inclusion(select(process, power=power), seed=config.seed)
    # Robust weights are a law of their own, and the user's.
    model.noise_law = None if config.noise == "robust" else selection.law.to_json()
    history.edges = selection.rows()
    history.tested.selection = selection
    _say(selection, history)
    return selection


def _together(
    data: Prepared, factors: tuple[Tensor, Tensor] | None
) -> tuple[Table, Tensor | None]:
    """Training and validation rows as one table, and the weights of its observations."""
    tables = data.train, data.valid
    if data.train.features.equal(data.valid.features):
        # Who validates on the training rows has no more rows than these.
        return data.train, None if factors is None else factors[0]
    table = Table.concatenate(tables)
    if factors is None:
        return table, None
    # The order of the joined rows is that of the frame; let the weights follow.
    ids = np.concatenate([part.row_ids for part in tables])
    order = np.argsort(ids, kind="stable")
    # Tables that share row ids keep the order in which they were put together.
    if len(np.unique(ids)) < len(ids):
        order = np.arange(len(ids))
    both = torch.cat(factors)
    return table, both[torch.as_tensor(order, device=both.device)]


def _say(selection: Selection, history: History) -> None:
    """Put what the user must know into words."""
    for mine, other, _ in selection.pairs:
        history.say(
            f"{selection.name(mine)} or {selection.name(other)}: the data cannot tell."
        )
    open_ones = [selection.name(edge) for edge in selection.edges("undecided")]
    if open_ones:
        history.say(f"Undecided, left out: {', '.join(open_ones)}.")
    if selection.slow:
        history.say(
            f"{', '.join(map(selection.name, selection.slow))}: a slow noise explains the "
            "series as well, so they stay undecided; other sites or seasons would settle it."
        )
    for sentence in two_minima(selection.minima, selection.fit):
        history.say(f"{sentence}.")
    process = selection.fit.process
    if process.sorted_by_target:
        history.say(
            f"The rows stand in the order of {', '.join(process.target_names)}, so that "
            "neighbours are alike whatever acts: they are taken as independent. If this is "
            "the order of measuring, name the time column."
        )
    if selection.correlation is not None and selection.correlation > ALIKE:
        history.say(
            "Neither time nor groups are given, and the residuals of neighbouring rows "
            f"in the file have correlation {selection.correlation:.2f}: are they a series? "
            "Name the time column or the groups; until then their order in the file is "
            "taken for time."
        )
