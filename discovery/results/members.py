"""Further models of half of the blocks each, from other starts: what they agree on.

A half sample without replacement scatters about the estimate of all rows as this does
about the truth, so the deviation of the members is a standard error that counts starts,
features and everything else that was chosen; how many keep an edge is its inclusion share.
Agreement is no evidence that a constant is identified (the profile is); disagreement is
evidence that the training, or the data, do not decide.

Reference: Politis and Romano 1994 (subsampling); Meinshausen and Buehlmann 2010
(half samples for inclusion shares).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from discovery.tables.study import Study
    from sciren.data import Table
    from sciren.model import ScIReN
    from sciren.training import TrainConfig
    from sciren.training.progress import Progress


def train_members(
    study: "Study",
    first: "ScIReN",
    config: "TrainConfig",
    progress: "Progress | None" = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Train ``discovery.members`` models in all: one of all rows, the others of halves.

    Each further member sees half of the blocks of the training rows and of the validation
    rows, and starts from its own seed.

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
    # Intervals and profiles are those of the first member; the others only tell
    # agreement.
    settings = [
        config.replace(seed=seed, bootstrap=0, profiles=False) for seed in seeds
    ]
    train, valid = study.split.train, study.split.valid
    halves = [half_of_blocks(train, seed) for seed in seeds]
    others = [half_of_blocks(valid, seed) for seed in seeds]
    fit_ensemble(models, halves, others, settings, progress)
    rows = [_row(study, first, config.seed, train)]
    rows += [
        _row(study, model, seed, half)
        for model, seed, half in zip(models, seeds, halves, strict=True)
    ]
    return rows, [_sentence(rows, first)]


def half_of_blocks(table: "Table", seed: int) -> "Table":
    """Return the rows of half of the blocks, drawn without replacement.

    Args:
        table: whose blocks are groups, weeks or rows.
        seed: of the draw; the same rows for the same seed.
    """
    blocks = table.blocks.cpu().numpy()
    names = np.unique(blocks)
    if len(names) < 2:
        return table
    # Training and validation rows get draws of their own from the same seed.
    rng = np.random.default_rng([seed, len(names)])
    drawn = rng.permutation(names)[: -(-len(names) // 2)]
    return table.take(np.flatnonzero(np.isin(blocks, drawn)))


def _row(study: "Study", model: "ScIReN", seed: int, train: "Table") -> dict[str, Any]:
    from discovery.results.scoring import target_scores

    predict = {"member": lambda table: model.predict(table).targets}
    scores = target_scores({"valid": study.split.valid}, predict)["valid"]["member"]
    fits = {f"r2_{name}": score["r2"] for name, score in scores.items()}
    kept = ", ".join(kept_features(model, study))
    row = {"stage": "members", "seed": seed, "kept": kept}
    row["families"] = _families(model, study, train)
    return row | model.constants() | fits


def _families(model: "ScIReN", study: "Study", train: "Table") -> str:
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
    equations = symbolify(model, train, options)
    return "; ".join(
        f"{row['source']} -> {row['latent']}: {row['family']}"
        for row in equations.edges.to_dict("records")
        # Only edges that begin at a feature have a name that members share.
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
    # mask (features, outputs): a feature lives as long as one of its edges does.
    alive = (layers[0].mask != 0).any(1).tolist()
    return [name for name, has_edge in zip(names, alive, strict=True) if has_edge]


def _sentence(rows: list[dict[str, Any]], first: "ScIReN") -> str:
    import pandas as pd

    count = len(rows)
    lists = [row["kept"].split(", ") for row in rows]
    names = dict.fromkeys(name for kept in lists for name in kept if name)
    shares = [f"{name} in {sum(name in kept for kept in lists)}" for name in names]
    parts = [
        f"{count} members, all but the first of half of the blocks, kept "
        f"{', '.join(shares) or 'no feature'}"
    ]
    for name in first.constants():
        values = np.array([row[name] for row in rows])
        # About the first member, which saw all rows: half samples scatter about it as
        # it does about the truth.
        spread = float(np.sqrt(np.mean((values[1:] - values[0]) ** 2)))
        parts.append(
            f"{name} {values.min():.4g} to {values.max():.4g} (deviation {spread:.2g})"
        )
    for edge, share in member_shares(pd.DataFrame(rows)).items():
        parts.append(f"{edge} in {share}")
    return "; ".join(parts) + " (agreement of members is no identification)."
