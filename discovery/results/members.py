"""Further models from other starts: what they agree on, and what not.

Agreement between members is no evidence that a constant is identified (the profile is);
disagreement is evidence that the training, or the data, do not decide.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from discovery.tables.study import Study
    from sciren.model import ScIReN
    from sciren.training import TrainConfig
    from sciren.training.progress import Progress


def train_members(
    study: "Study",
    first: "ScIReN",
    config: "TrainConfig",
    progress: "Progress | None" = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Train ``discovery.members`` models in all, from as many seeds.

    Args:
        study: data and process model.
        first: the trained first member.
        config: of its training; its seed is counted up.
        progress: hears every step.
    Returns:
        One row a member (stage, seed, kept, families of its edges, constants, r2 on
        validation), and sentences about them; both empty for a single member.
    """
    from discovery.config.build import model_of
    from sciren.training import fit_ensemble

    count = study.config.discovery.members
    if count < 2:
        return [], []
    seeds = range(config.seed + 1, config.seed + count)
    if progress is not None:
        progress.say(f"members 2 to {count}, trained together")
    models = [model_of(study.config, study.decoder, seed) for seed in seeds]
    settings = [
        config.replace(seed=seed, bootstrap=0, profiles=False) for seed in seeds
    ]
    fit_ensemble(models, study.split.train, study.split.valid, settings, progress)
    rows = [_row(study, first, config.seed)]
    rows += [
        _row(study, model, seed) for model, seed in zip(models, seeds, strict=True)
    ]
    return rows, [_sentence(rows, first)]


def _row(study: "Study", model: "ScIReN", seed: int) -> dict[str, Any]:
    from discovery.results.scoring import target_scores

    predict = {"member": lambda table: model.predict(table).targets}
    scores = target_scores({"valid": study.split.valid}, predict)["valid"]["member"]
    fits = {f"r2_{name}": score["r2"] for name, score in scores.items()}
    kept = ", ".join(kept_features(model, study))
    row = {"stage": "members", "seed": seed, "kept": kept}
    row["families"] = _families(model, study)
    return row | model.constants() | fits


def _families(model: "ScIReN", study: "Study") -> str:
    """Families that the data choose for the edges of a member; empty for a black box."""
    from discovery.results.obstacles import equations_obstacle
    from symbolic import symbolify

    if equations_obstacle(model) is not None:
        return ""
    # rows of candidates are counted in each model's own table, so that a row means nothing
    # to another member; units were judged with the first one
    options = study.config.discovery.options.changed(unit_problems="ignore")
    if isinstance(options.model_selection, int):
        options = options.changed(model_selection="bic")
    equations = symbolify(model, study.split.train, options, seed=study.config.seed)
    return "; ".join(
        f"{row['source']} -> {row['latent']}: {row['family']}"
        for row in equations.edges.to_dict("records")
        if row["status"] != "dropped" and row["layer"] == 0
    )


def member_shares(candidates: "pd.DataFrame") -> dict[str, str]:
    """Return "feature -> latent" -> how many members kept it, and in which family.

    Args:
        candidates: table of a discovery; empty result without members.
    """
    if "families" not in candidates:
        return {}
    trained: Any = candidates[candidates["stage"] == "members"]
    rows = trained.to_dict("records")
    members = [str(row["families"]) for row in rows if row["families"]]
    families_of: dict[str, list[str]] = {}
    for text in members:
        pairs = dict(part.split(": ") for part in text.split("; ") if ": " in part)
        for edge, family in pairs.items():
            families_of.setdefault(edge, []).append(family)
    shares = {}
    for edge, families in families_of.items():
        counts = {family: families.count(family) for family in dict.fromkeys(families)}
        parts = [f"{family} {count}" for family, count in counts.items()]
        shares[edge] = f"{len(families)} of {len(members)}: {', '.join(parts)}"
    return shares


def kept_features(model: "ScIReN", study: "Study") -> list[str]:
    """Return the features that still have an edge (all of them for a black box)."""
    from sciren.edges import edge_layers

    layers = edge_layers(model.encoder)
    names = study.table.feature_names
    if not layers:
        return list(names)
    alive = (layers[0].mask != 0).any(1).tolist()
    return [name for name, one in zip(names, alive, strict=True) if one]


def _sentence(rows: list[dict[str, Any]], first: "ScIReN") -> str:
    import pandas as pd

    count = len(rows)
    lists = [row["kept"].split(", ") for row in rows]
    names = dict.fromkeys(name for kept in lists for name in kept if name)
    shares = [f"{name} in {sum(name in kept for kept in lists)}" for name in names]
    parts = [f"{count} members kept {', '.join(shares) or 'no feature'}"]
    for name in first.constants():
        values = [row[name] for row in rows]
        parts.append(f"{name} {min(values):.4g} to {max(values):.4g}")
    for edge, share in member_shares(pd.DataFrame(rows)).items():
        parts.append(f"{edge} in {share}")
    return "; ".join(parts) + " (agreement of members is no identification)."
