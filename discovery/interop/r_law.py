"""What an R package knows about a run: columns, functions, and the law of intervals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from discovery.interop.r_literals import Code, literal
from discovery.results.record import DiscoveryRecord, equations_of
from sciren.data.kinds import Categorical
from sciren.inference.basis import PIECES, CurveBasis
from symbolic.code import r
from symbolic.code.expressions import CodeText
from symbolic.code.program import program_of
from symbolic.terms.rebuild import constrained

if TYPE_CHECKING:
    from discovery.uncertainty.record import Uncertainty
    from symbolic.model.symbolic_model import SymbolicModel


def law_code(
    discovery: DiscoveryRecord,
    powers: Mapping[str, float],
    targets: Mapping[str, str],
) -> str:
    """Return the R code of `.model`, which `predict.R` reads.

    Args:
        discovery: with equations.
        powers: column -> power of ten by which the run divided it.
        targets: target -> column.
    """
    model, uncertainty = equations_of(discovery), discovery.uncertainty
    outputs = _outputs(model)
    needed = [name for output in outputs.values() for name in output["arguments"]]
    known = {
        "outputs": outputs,
        "needed": list(dict.fromkeys(needed)),
        "watched": _watched(uncertainty),
        "classes": _classes(model),
        "divided": dict(powers),
        "powers": {
            name: powers[column] for name, column in targets.items() if column in powers
        },
        "law": None
        if uncertainty is None or model.process is None
        else _law(model, uncertainty),
    }
    return f"# Written by ScIReN; read by predict.R.\n.model <- {literal(known)}\n"


def _outputs(model: "SymbolicModel") -> dict[str, dict[str, Any]]:
    """Return target or latent -> function and its columns; targets first."""
    routines = program_of(model, r.RESERVED, r.FOLDED, {}).routines
    latents = list(model.equations)
    names = [
        *latents,
        *(
            name
            for name, expression in (model.process or {}).items()
            if not (name in model.equations and str(expression) == name)
        ),
    ]
    outputs = {}
    for name, routine in zip(names, routines, strict=True):
        columns = [argument.column for argument in routine.arguments]
        outputs[name] = {"call": Code(routine.identifier), "arguments": columns}
    # Targets first, as in `predict`.
    first = [name for name in outputs if name in (model.process or {})]
    return {name: outputs[name] for name in dict.fromkeys([*first, *outputs])}


def _watched(uncertainty: "Uncertainty | None") -> list[str]:
    if uncertainty is None:
        return []
    return list(dict.fromkeys([*uncertainty.means.features, *uncertainty.reach.names]))


def _classes(model: "SymbolicModel") -> dict[str, Code]:
    """Return feature -> named vector of the numbers of its classes."""
    codes = {}
    for name, kind in model.units.kinds.items():
        if isinstance(kind, Categorical):
            pairs = zip(kind.labels, kind.codes, strict=True)
            shown = ", ".join(f"{literal(label)} = {code!r}" for label, code in pairs)
            codes[name] = Code(f"c({shown})")
    return codes


def _law(model: "SymbolicModel", uncertainty: "Uncertainty") -> dict[str, Any]:
    means = uncertainty.means
    design = means.design
    observations = uncertainty.observations
    laws = observations.get("equations", observations["network"])
    noise = observations["network"]
    edges = [
        {
            "feature": means.features[feature],
            # R counts from one.
            "latent": latent + 1,
            "places": [k + 1.0 for k in range(block.start, block.stop)],
            "basis": _basis(basis),
            "left_out": number in means.left_out,
            "apart": means.class_variance(number),
        }
        for number, ((feature, latent), basis, block) in enumerate(
            zip(design.edges, design.bases, design.blocks, strict=True)
        )
        # Edges of which the fit kept no coefficient have no part in the law.
        if block.stop > block.start
    ]
    reach = uncertainty.reach
    return {
        # The recommended fit is a sum of curves: of other equations it is no law.
        "sums": not any(structure.nodes for structure in model.structures),
        "latents": list(uncertainty.latents),
        "targets": list(uncertainty.targets),
        "constants": list(uncertainty.names),
        "in_logs": list(uncertainty.in_logs),
        "forcings": list(model.forcing_columns.values()),
        "theta": means.theta,
        "covariance": means.covariance,
        "freedom": means.freedom,
        "edges": edges,
        "bounds": [_bound(model, name) for name in uncertainty.latents],
        "means": [_mean(model, name) for name in uncertainty.targets],
        "scales": [vars(uncertainty.comparisons[name]) for name in uncertainty.targets],
        "scores": [laws[name].to_json() for name in uncertainty.targets],
        # Lack of fit is in units of the noise of the network's law, see
        # `discovery.uncertainty.columns.widened`.
        "noise": [
            {"growth": noise[name].growth, "floor": noise[name].floor}
            for name in uncertainty.targets
        ],
        "lack": [
            uncertainty.lack_of_fit.get(name, 0.0) for name in uncertainty.targets
        ],
        "reach": {
            "names": list(reach.names),
            "low": reach.low,
            "high": reach.high,
            "mean": reach.mean,
            "inverse": reach.inverse,
            "farthest": reach.farthest,
            "classes": {name: list(labels) for name, labels in reach.classes.items()},
        },
    }


def _basis(basis: CurveBasis) -> dict[str, Any]:
    """Return the basis of one curve in a form that base R evaluates."""
    if basis.kind == "classes":
        return {
            "kind": basis.kind, "codes": basis.knots, "values": basis.at(basis.knots)
        }  # fmt: skip
    if basis.kind == "harmonics":
        period, count = basis.knots
        return {
            "kind": basis.kind, "period": period, "count": count,
            "mean": basis.mean, "transform": basis.transform,
        }  # fmt: skip
    knots = (basis.knots - basis.centre) / basis.unit
    return {
        "kind": "pieces", "centre": basis.centre, "unit": basis.unit, "knots": knots,
        "pieces": pieces_of(basis, knots),
    }  # fmt: skip


def pieces_of(basis: CurveBasis, knots: np.ndarray) -> np.ndarray:
    """Return cubic coefficients (columns, pieces, 4) in the distance to the left knot.

    Between two knots every column is a cubic, which four of its values determine.
    """
    starts, steps = knots[:-1], np.diff(knots)
    share = np.array([0.0, 1 / 3, 2 / 3, 1.0])
    # Four values at 0, 1/3, 2/3 and 1 of a piece fix its cubic.
    powers = np.vander(share, 4)  # of the share of the piece: 3, 2, 1, 0
    points = starts[:, None] + steps[:, None] * share
    raw = PIECES[basis.kind](points.ravel(), knots)
    values = ((raw - basis.mean) @ basis.transform).reshape(len(steps), 4, -1)
    by_share = np.linalg.solve(powers, values)  # (pieces, 4, columns)
    # share = distance / step: coefficient of power k divided by step^k.
    by_distance = by_share / steps[:, None, None] ** np.array([3, 2, 1, 0])[:, None]
    return by_distance.transpose(2, 0, 1)


def _bound(model: "SymbolicModel", latent: str) -> Code:
    """Return the constraint of a latent as a function of its raw value."""
    raw = sympy.Symbol("raw", real=True)
    expression = constrained(raw, *model.constraints[latent])
    return Code(f"function(raw) {CodeText(r.DIALECT, {'raw': 'raw'}).text(expression)}")


def _mean(model: "SymbolicModel", target: str) -> Code:
    """Return a target as a function of latents, constants and forcings."""
    names = [*model.equations, *model.constants, *model.forcing_columns.values()]
    words = {name: f"x{k + 1}" for k, name in enumerate(dict.fromkeys(names))}
    arguments = [f"x{k + 1}" for k in range(len(words))]
    text = CodeText(r.DIALECT, words).text((model.process or {})[target])
    return Code(f"function({', '.join(arguments)}) {text}")
