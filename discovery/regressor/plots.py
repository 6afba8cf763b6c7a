"""Figures of a fitted estimator; saving and showing them belongs to the caller."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sciren.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discovery.results.result import Discovery
    from sciren.data import Table


class Plots:
    """The figures of a run folder, from an estimator."""

    discovery_: Any
    _train: "Table"
    _valid: "Table"

    def plot_graph(self) -> "Figure":
        """Draw features, curves, latents and process model as a graph."""
        from discovery.report.figures import run_graph
        from visualize import draw_graph

        graph = run_graph(self._result(), self._train)
        if graph is None:
            raise ConfigError("a black box has no graph; use encoder='kan'")
        return draw_graph(graph)

    def plot_edges(self) -> "Figure":
        """Draw every learned curve, its closed form and its band."""
        from discovery.report.figures import edge_figures

        return _only(edge_figures(self._result(), self._train), "there are no curves")

    def plot_profiles(self) -> "Figure":
        """Draw the loss over each constant of the process model."""
        from discovery.report.figures import profile_figures

        return _only(profile_figures(self._result()), "no constant has a profile")

    def plot_observed(self, target: str | None = None) -> "Figure":
        """Draw predictions over observations of the rows that chose the model.

        Args:
            target: which one; default the first.
        """
        from discovery.report.figures import observed_figures

        figures = dict(observed_figures(self._result(), self._valid))
        names = list(self._valid.target_names)
        if target is not None and target not in names:
            raise ConfigError(f"target={target!r}; the targets are {', '.join(names)}")
        # Names as `discovery.report.figures` gives them.
        key = f"observed_{target or names[0]}" if len(names) > 1 else "observed"
        if key not in figures:
            raise ConfigError(f"{target or names[0]} has no observation in these rows")
        return figures[key]

    def plot_history(self) -> "Figure":
        """Draw the terms of the loss over the steps of the training."""
        from discovery.report.figures import history_figures

        return _only(history_figures(self._result()), "the training has no steps")

    def _result(self) -> "Discovery":
        return self.discovery_


def _only(figures: "Iterator[tuple[str, Figure]]", otherwise: str) -> "Figure":
    """Return the one figure that the results allow."""
    for _, figure in figures:
        return figure
    raise ConfigError(otherwise)
