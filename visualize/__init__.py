"""Pictures of what was found: results in, matplotlib Figure or networkx graph out.

Names load matplotlib on first use. A figure function returns the figure; saving and
showing belong to the caller.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from visualize.curves import plot_edges as plot_edges
    from visualize.data_views.residuals import plot_residuals as plot_residuals
    from visualize.data_views.series import plot_series as plot_series
    from visualize.effects import plot_effects as plot_effects
    from visualize.equations import equation_svg as equation_svg
    from visualize.graph import Process as Process
    from visualize.graph import encoder_graph as encoder_graph
    from visualize.graph import write_graphml as write_graphml
    from visualize.graph_drawing import describe_graph as describe_graph
    from visualize.graph_drawing import draw_graph as draw_graph
    from visualize.graph_formats import to_dot as to_dot
    from visualize.graph_formats import to_mermaid as to_mermaid
    from visualize.history import plot_history as plot_history
    from visualize.maps import plot_map as plot_map
    from visualize.path import plot_path as plot_path
    from visualize.profiles import plot_profiles as plot_profiles
    from visualize.scatter import plot_latents as plot_latents
    from visualize.scatter import plot_observed as plot_observed
    from visualize.trials import plot_trials as plot_trials

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
