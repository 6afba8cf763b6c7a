"""Figures 4 and 9 of the paper, drawn from the trained models of Table 3.

Figure 4: retrieved against true parameters, and what each method takes for important.
Figure 9: the functions that ScIReN found beside the true ones.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from case_studies.layout import save_figures
from case_studies.soil_carbon.table3 import parser, record_of
from case_studies.soil_carbon.table3_cells import Cell, Record, run
from case_studies.soil_carbon.table3_methods import METHODS, PURE, SCIREN
from case_studies.soil_carbon.table3_metrics import importance, site_latents
from case_studies.soil_carbon.table4_methods import PREDICTED as PARAMETERS
from sciren import KANEncoder, ScIReN
from sciren.datasets import SoilCarbonStudy
from symbolic import EdgeCurve
from visualize import plot_edges, plot_latents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
POINTS = 200
UNIT = "share of the prior"

Named = tuple[str, "Figure"]


def main(arguments: Sequence[str]) -> int:
    """Train what is missing, draw and save the figures, print their names."""
    options = parser().parse_args(arguments)
    record = record_of(options)
    for file in write_figures(record, options.seeds[0], options.workers):
        sys.stdout.write(f"{file}\n")
    return 0


def write_figures(record: Record, split: int, workers: int = 1) -> list[Path]:
    """Draw every figure for one split and save it as PNG and PDF; return the PNG files."""
    wanted = [Cell(one, split, record) for one in METHODS if one.name != PURE]
    results = run(wanted, workers)
    done = [
        cell
        for cell, result in zip(wanted, results, strict=True)
        if "failed" not in result
    ]
    return save_figures(draw(done), record.out / f"figures{record.tag}", DPI)


def draw(cells: Sequence[Cell]) -> Iterator[Named]:
    """Yield name and figure of everything for the finished cells of one split."""
    models = {cell.method.name: cell.model() for cell in cells}
    study, split = cells[0].tables()
    units = {
        name: site_latents(model, study, split.test) for name, model in models.items()
    }
    for k, parameter in enumerate(PARAMETERS):
        truth = next(iter(units.values()))[1][:, k]
        retrieved = {name: unit[:, k] for name, (unit, _, _) in units.items()}
        yield f"figure4_{parameter}", plot_latents(truth, retrieved, parameter, UNIT)
    shares = {name: importance(model, split.test) for name, model in models.items()}
    yield "figure4_importance", importances(study, shares)
    if SCIREN in models:
        yield "figure9", plot_edges(edges(models[SCIREN], study))


def importances(study: SoilCarbonStudy, shares: dict[str, np.ndarray]) -> "Figure":
    """Draw the share of every feature in every parameter, true and by method."""
    from matplotlib.figure import Figure

    panels = {"truth": study.truth.importance().to_numpy(), **shares}
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    image = None
    for axis, (name, values) in zip(axes, panels.items(), strict=True):
        image = axis.imshow(values, vmin=0, vmax=0.6, cmap="Blues", aspect="auto")
        axis.set_title(name.replace("-Hybrid", "\n").replace(" 1-", "\n1-"), fontsize=8)
        axis.set_xticks(range(len(PARAMETERS)), PARAMETERS, rotation=90, fontsize=7)
        axis.set_yticks(range(len(study.features)), study.features, fontsize=7)
        for i, j in zip(*np.nonzero(values >= 0.05), strict=True):
            colour = "white" if values[i, j] > 0.35 else "black"
            text = f"{values[i, j]:.2f}"[1:]
            axis.text(j, i, text, ha="center", va="center", fontsize=6, color=colour)
    assert image is not None
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("share of importance", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


@torch.no_grad()
def edges(model: ScIReN, study: SoilCarbonStudy) -> list[EdgeCurve]:
    """Return every function of the encoder that is left, beside the true one.

    Sources in physical units, functions as shares of the prior's range, both without
    their mean over all sites.
    """
    encoder = model.encoder
    assert isinstance(encoder, KANEncoder)
    layer = encoder.spline_layers[0]
    sites = pd.DataFrame(study.sites[list(study.features)])
    raw = torch.tensor(sites.to_numpy())
    share = torch.linspace(0, 1, POINTS, dtype=torch.float64).unsqueeze(1)
    x = raw.amin(0) + share * (raw.amax(0) - raw.amin(0))
    size = model.output_scale / 6  # the hard sigmoid's slope
    curves = layer.edges(model.scaled(x)) * size
    means = (layer.edges(model.scaled(raw)) * size).mean(0)
    deviation = (layer.edges(model.scaled(raw)) * size).std(0)
    true = _true(study, sites, x.numpy())
    families = {
        (curve.feature, relationship.name): curve.family
        for relationship in study.truth.relationships
        for curve in relationship.curves
    }
    return [
        EdgeCurve(
            layer=0,
            source=study.features[i],
            target=model.latent_names[j],
            unit=study.units[study.features[i]],
            x=x[:, i].numpy(),
            spline=(curves[:, i, j] - means[i, j]).numpy(),
            formula=true.get((study.features[i], model.latent_names[j])),
            data=raw[:, i].numpy(),
            importance=float(deviation[i, j] / (deviation * layer.mask).sum(0)[j]),
            family="truth",
            label=families.get((study.features[i], model.latent_names[j]), "no edge"),
            refused=False,
            target_unit=UNIT,
        )
        for j in range(encoder.n_outputs)
        for i in range(encoder.n_inputs)
        if layer.mask[i, j]
    ]


def _true(
    study: SoilCarbonStudy, sites: pd.DataFrame, x: np.ndarray
) -> dict[tuple[str, str], np.ndarray]:
    """True functions without their mean over the sites, at the places drawn."""
    curves = {}
    for relationship in study.truth.relationships:
        for curve in relationship.curves:
            low, high = relationship.ranges[curve.feature]
            column = study.features.index(curve.feature)
            known = (sites[curve.feature].to_numpy() - low) / (high - low)
            drawn = (x[:, column] - low) / (high - low)
            curves[curve.feature, relationship.name] = (
                curve(drawn) - curve(known).mean()
            )
    return curves
