"""Figures 2 and 5 to 8 of the paper, drawn from the trained models of the tables."""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from case_studies.layout import save_figures
from case_studies.respiration import published, training
from case_studies.respiration.cells import Cell
from case_studies.respiration.metrics import raw_latent, true_latent
from case_studies.respiration.record import Record
from discovery import accumulated_local_effects, functional_importance
from sciren import ScIReN, edge_table, prune
from sciren.datasets import RespirationStudy
from sciren.encoders import KANEncoder
from symbolic import EdgeCurve
from visualize import draw_graph, encoder_graph, plot_edges, plot_latents, plot_observed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sciren import Table

UNIT = "umol m-2 s-1"
POINTS = 200
DPI = 200
PURE, SOFT, HARD = (
    "Pure-NN",
    "Blackbox-Hybrid nonlinear",
    "Blackbox-Hybrid linear",
)
ONE_LAYER, TWO_LAYERS = "ScIReN linear 1-layer", "ScIReN linear 2-layer"

Named = tuple[str, "Figure"]


def write_figures(seed: int, record: Record, workers: int = 1) -> list[Path]:
    """Draw every figure for one seed and save it as PNG and PDF.

    Returns:
        The PNG files.
    """
    best = {1: (PURE, SOFT, HARD, ONE_LAYER), 2: (PURE, SOFT, HARD, TWO_LAYERS)}
    wanted = [
        Cell(row, seed, record)
        for table, names in best.items()
        for row in published.rows(table)
        if row.method in names
    ]
    results = training.run(wanted, workers)
    drawn = [
        cell
        for cell, result in zip(wanted, results, strict=True)
        if "failed" not in result
    ]
    named = (
        (f"{name}_table{cell.row.table}", figure)
        for cell in drawn
        for name, figure in draw(cell)
    )
    return save_figures(named, record.out / f"figures{record.tag}", DPI)


def draw(cell: Cell) -> Iterator[Named]:
    """Yield name and figure of everything that the paper shows of a cell's method."""
    study, split = cell.tables()
    model, test = training.trained(cell), split.test
    match cell.row.method:
        case name if name == PURE:
            yield from _scatter("figure5", cell, model, study, test)
        case name if name in (SOFT, HARD):
            figure = "figure6" if name == SOFT else "figure7"
            yield from _scatter(figure, cell, model, study, test)
            yield f"{figure}_effects", plot_edges(effects(model, study, test))
        case _:
            yield from _scatter("figure8", cell, model, study, test)
            yield "figure8_effects", plot_edges(effects(model, study, test))
            yield "figure8_edges", plot_edges(edges(model, test))
            yield from _networks(model, test)


def _scatter(
    figure: str,
    cell: Cell,
    model: ScIReN,
    study: RespirationStudy,
    test: "Table",
) -> Iterator[Named]:
    """Reco against its noisy observations, rb against the truth."""
    predicted, label = model.predict(test), cell.row.method
    reco, rb = predicted.targets[:, 0].numpy(), predicted.latents[:, 0].numpy()
    truth = study.truth.rb[test.row_ids]
    observed = test.targets[:, 0].numpy()
    yield f"{figure}_reco", plot_observed(observed, {label: reco}, "reco", UNIT)
    yield f"{figure}_rb", plot_latents(truth, {label: rb}, "rb", UNIT)


def _networks(model: ScIReN, test: "Table") -> Iterator[Named]:
    """Figure 2: the network, and what is left of it after pruning at 0.03."""
    yield "figure2", draw_graph(encoder_graph(model, test))
    pruned = copy.deepcopy(model)
    if prune(pruned, test):
        yield "figure2_pruned", draw_graph(encoder_graph(pruned, test))


# -- curves -----------------------------------------------------------------------------
def effects(
    model: ScIReN, study: RespirationStudy, table: "Table"
) -> Sequence[EdgeCurve]:
    """Return the accumulated local effect of every feature, learned and true."""
    network = raw_latent(model)
    learned = accumulated_local_effects(network, table)
    true = accumulated_local_effects(true_latent(study), table)
    shares = functional_importance(network, table, rows=1000).iloc[:, 0]
    return [
        _effect(name, learned, true, float(shares[name]), table)
        for name in table.feature_names
    ]


def _effect(
    name: str, learned: pd.DataFrame, true: pd.DataFrame, share: float, table: "Table"
) -> EdgeCurve:
    mine, known = (one.set_index("feature").loc[[name]] for one in (learned, true))
    return EdgeCurve(
        layer=0,
        source=name,
        target="rb",
        unit=table.units.get(name, ""),
        x=mine["value"].to_numpy(),
        spline=mine["effect"].to_numpy(),
        formula=known["effect"].to_numpy(),
        data=_column(table, name),
        importance=share,
        family="truth",
        label="accumulated local effect",
        refused=False,
        target_unit=UNIT,
    )


def _column(table: "Table", name: str) -> NDArray[np.float64]:
    return table.features[:, table.feature_names.index(name)].numpy()


@torch.no_grad()
def edges(model: ScIReN, table: "Table") -> Sequence[EdgeCurve]:
    """Return the learned function of every edge that is left, one hidden layer at most.

    Sources are in raw units for features, targets in units of raw rb.
    """
    encoder = model.encoder
    assert isinstance(encoder, KANEncoder)
    listed = edge_table(model, table)
    inputs = encoder.layer_inputs(model.scaled(table.features))
    drawn = []
    for depth, layer in enumerate(encoder.spline_layers):
        mine = pd.DataFrame(listed[listed["layer"] == depth])
        sources = list(dict.fromkeys(mine["source"]))
        targets = list(dict.fromkeys(mine["target"]))
        low, high = inputs[depth].amin(0), inputs[depth].amax(0)
        part = torch.linspace(0, 1, POINTS, dtype=torch.float64)
        x = low + part.unsqueeze(1) * (high - low)
        curves = layer.edges(x)
        last = depth + 1 == len(encoder.spline_layers)
        scale = float(model.output_scale[0]) if last else 1.0
        for line in mine.to_dict("records"):
            if line["status"] == "dropped":
                continue
            i, j = sources.index(line["source"]), targets.index(line["target"])
            raw = (model.feature_shift[i], model.feature_scale[i])
            shift, width = raw if depth == 0 else (0.0, 1.0)
            drawn.append(
                EdgeCurve(
                    layer=depth,
                    source=line["source"],
                    target=line["target"],
                    unit=table.units.get(line["source"], ""),
                    x=(shift + width * x[:, i]).numpy(),
                    spline=scale * curves[:, i, j].numpy(),
                    formula=None,
                    data=(shift + width * inputs[depth][:, i]).numpy(),
                    importance=float(line["importance"]),
                    family="spline",
                    label="as learned",
                    refused=False,
                    target_unit=UNIT if last else "",
                )
            )
    return drawn
