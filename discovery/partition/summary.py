"""The result of a partitioning as one mapping, and as the text of the command."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.partition.tower import Tower

if TYPE_CHECKING:
    from discovery.partition.record import Partition

Array = np.ndarray


def summarise(
    out: Path,
    tower: Tower,
    speed: float,
    speeds: Array,
    constants: Mapping[str, Array],
    window_e0: float,
) -> dict[str, Any]:
    """Return equations, verdicts, constants and thresholds as plain data.

    Args:
        constants: process constant -> its values in the resamples.
        window_e0: of the windows, for comparison.
    """
    low, high = (float(np.quantile(speeds, share)) for share in (0.05, 0.95))
    return {
        "columns": dict(tower.columns),
        "gaps": dict(tower.filled),
        "half_hours": len(tower.frame),
        "friction_velocity": {"threshold": speed, "low": low, "high": high},
        "parts": {name: _part(out / name) for name in ("night", "day")},
        "resamples": {
            name: dict(
                zip(
                    ("low", "high"),
                    np.quantile(drawn, [0.025, 0.975]).tolist(),
                    strict=True,
                )
            )
            for name, drawn in constants.items()
        },
        "e0_of_windows": window_e0,
    }


def _part(folder: Path) -> dict[str, Any]:
    """Return what a run says, with its constants and their verdict."""
    from discovery.results.result import Discovery
    from symbolic import to_text

    discovery = Discovery.load(folder)
    equations = discovery.equations
    assert equations is not None  # a run of a kan always has equations
    rows = discovery.process_constants
    names = (
        "constant", "estimate", "low", "high", "identified", "reason", "in_equations",
    )  # fmt: skip
    return {
        "verdict": str(discovery.verdict),
        "reasons": [
            f"{reason.sentence}. {reason.next_step}."
            for reason in discovery.verdict.reasons
            if not reason.holds
        ],
        "equations": {n: to_text(equations.printed(n)) for n in equations.equations},
        "constants": [{name: row.get(name) for name in names} for row in rows],
    }


def summary_text(result: "Partition") -> str:
    """Return what the command prints."""
    summary = result.summary
    lines = [f"partition: {result.folder}"]
    speed = summary["friction_velocity"]
    # Without a column of friction velocity all thresholds are zero.
    if speed["high"] > 0:
        lines.append(
            f"friction velocity at night: at least {speed['threshold']:.3f} m s-1 "
            f"(90 % {speed['low']:.3f} to {speed['high']:.3f})"
        )
    for name, part in summary["parts"].items():
        lines += ["", f"{name}: {part['verdict']}"]
        lines += [f"  {latent} = {text}" for latent, text in part["equations"].items()]
        lines += [f"  {_constant(row, summary)}" for row in part["constants"]]
    lines += ["", "gC m-2 yr-1, 95 % intervals of parameters and threshold"]
    lines += [_year(year, row) for year, row in result.yearly.iterrows()]
    lines += ["", "net exchange on days that nothing learned from"]
    for row in result.scores.to_dict("records"):
        lines.append(
            f"  {row['part']:5s} {row['method']:32s} rmse {row['rmse']:.3f}  r2 {row['r2']:.3f}"
        )
    return "\n".join(lines)


def _constant(row: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    name = row["constant"]
    drawn = summary["resamples"].get(name)
    known = "identified" if row["identified"] else f"NOT identified ({row['reason']})"
    beside = f", resampled {drawn['low']:.4g} to {drawn['high']:.4g}" if drawn else ""
    limits = f"(95 % {row['low']:.4g} to {row['high']:.4g}{beside})"
    other = row.get("in_equations")
    held = f", in the equations {other['estimate']:.4g}" if other else ""
    return f"{name} = {row['estimate']:.4g} {limits}{held}, {known}"


def _year(year: Any, row: Any) -> str:
    parts = [
        f"{name} {row[name]:.0f} ({row[f'{name}_low']:.0f} to {row[f'{name}_high']:.0f})"
        for name in ("gpp", "reco", "nee")
    ]
    return f"  {year} ({row['days']:.0f} days): {', '.join(parts)}"
