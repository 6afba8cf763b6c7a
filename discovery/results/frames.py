"""Tables of a run: importance, candidates, profiles."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from sciren.data import Table
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel


def importance_table(
    model: "ScIReN",
    equations: "SymbolicModel | None",
    table: "Table",
    rows: int,
    seed: int,
) -> "pd.DataFrame":
    """Return one row a latent and feature with its shares of the latent's deviation.

    Columns: latent, feature, edges (deviation of the edges of the network), network and
    equation (deviation of partial dependence, of at most some rows).
    """
    import pandas as pd

    from discovery.results.effects import functional_importance
    from sciren.edges import edge_layers
    from sciren.importance import feature_importance

    columns = {"network": functional_importance(model, table, rows=rows, seed=seed)}
    # A black box has no edges; equations may be missing too. Columns that are missing
    # in a run are missing in the table.
    if edge_layers(model.encoder):
        columns = {"edges": feature_importance(model, table)} | columns
    if equations is not None:
        columns["equation"] = functional_importance(
            equations, table, rows=rows, seed=seed
        )
    shares = [
        {"latent": latent, "feature": feature}
        | {name: float(part.loc[feature, latent]) for name, part in columns.items()}
        for latent in model.latent_names
        for feature in table.feature_names
    ]
    return pd.DataFrame(shares)


def candidates_table(
    tried: Sequence[Mapping[str, Any]], equations: "SymbolicModel | None"
) -> "pd.DataFrame":
    """Return everything that was tried: stages, edge sets, families.

    Column ``stage`` says which: ladder, edges, tests, members or families.
    """
    import pandas as pd

    # Families are those of the equations, which may have been sought again since the
    # training.
    rows = [dict(row) for row in tried if row.get("stage") != "families"]
    known = equations.candidate_rows if equations is not None else ()
    rows += [{"stage": "families"} | dict(row) for row in known]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["stage"])


def profiles_table(points: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return the points of all profiles: constant, model, value, loss, chi_square."""
    import pandas as pd

    columns = ["constant", "model", "value", "loss", "chi_square"]
    return pd.DataFrame(list(points), columns=None if points else columns)


def latents_table(discovery: "Discovery", table: "Table") -> "pd.DataFrame":
    """Return one row a latent.

    Columns: latent, equation (text), latex, expression (sympy), features, complexity
    (nodes of the formula), refused (edges that stay splines), r2 (against the network on
    the table; nan of a latent without features), verdict.

    Raises:
        ConfigError: there are no equations.
    """
    import pandas as pd

    from discovery.results.record import equations_of
    from discovery.results.scoring import equation_latents
    from discovery.tables.records import scores
    from symbolic import to_text
    from symbolic.expression.complexity import complexity
    from symbolic.printing.beside import text_beside

    model = equations_of(discovery)
    latex = discovery.latex()
    # R2 between the two latents on the table: whether the equation is the network, not
    # whether it is true.
    agreement = scores(
        discovery.network().latents(table).numpy(),
        equation_latents(model, table).numpy(),
        model.latent_names,
    )
    edges: Any = model.edges
    refused = edges.loc[edges["status"] == "refused", "latent"].tolist()
    rows = []
    for name, expression in model.equations.items():
        used = {str(symbol) for symbol in expression.free_symbols}
        rows.append(
            {
                "latent": name,
                "equation": to_text(model.printed(name), model.digits)
                + text_beside(model.beside(name).rising(name)),
                "latex": latex[name],
                "expression": expression,
                "features": tuple(
                    feature for feature in model.features if feature in used
                ),
                "complexity": complexity(expression, model.record.options.complexity),
                "refused": refused.count(name),
                # of a latent that is one number there is no variance to explain
                "r2": agreement[name]["r2"] if used else float("nan"),
                "consistency": discovery.consistency,
                "verdict": str(discovery.verdict),
            }
        )
    return pd.DataFrame(rows)
