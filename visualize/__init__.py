"""Pictures of what was found: results in, matplotlib Figure or networkx graph out.

Names load matplotlib on first use. A figure function returns the figure; saving and
showing belong to the caller.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from visualize.curves import plot_edges as plot_edges
    from visualize.equations import equation_svg as equation_svg
    from visualize.graph import Process as Process
    from visualize.graph import encoder_graph as encoder_graph
    from visualize.graph import write_graphml as write_graphml
    from visualize.graph_drawing import describe_graph as describe_graph
    from visualize.graph_drawing import draw_graph as draw_graph
    from visualize.history import plot_history as plot_history
    from visualize.profiles import plot_profiles as plot_profiles
    from visualize.scatter import plot_latents as plot_latents
    from visualize.scatter import plot_observed as plot_observed

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "Process": "visualize.graph",
        "describe_graph": "visualize.graph_drawing",
        "draw_graph": "visualize.graph_drawing",
        "encoder_graph": "visualize.graph",
        "equation_svg": "visualize.equations",
        "plot_edges": "visualize.curves",
        "plot_history": "visualize.history",
        "plot_latents": "visualize.scatter",
        "plot_observed": "visualize.scatter",
        "plot_profiles": "visualize.profiles",
        "write_graphml": "visualize.graph",
    },
)
