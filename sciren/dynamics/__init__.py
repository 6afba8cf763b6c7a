"""Process models with memory: simulation of series and its exact derivatives.

A step is a row-wise process with the state as one more input (`sciren.decoders`); nothing
here differentiates through the loop over time. Names resolve on first use.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.dynamics.fitting import SeriesHistory as SeriesHistory
    from sciren.dynamics.fitting import fit_series as fit_series
    from sciren.dynamics.functions.fit import fit_functions as fit_functions
    from sciren.dynamics.functions.fit import trades_at_start as trades_at_start
    from sciren.dynamics.functions.fitted import FunctionFit as FunctionFit
    from sciren.dynamics.functions.state import StateFit as StateFit
    from sciren.dynamics.functions.state import fit_state_function as fit_state_function
    from sciren.dynamics.groups.group_fit import GroupFits as GroupFits
    from sciren.dynamics.groups.group_fit import fit_groups as fit_groups
    from sciren.dynamics.groups.mixed_fitting import GroupDeviations as GroupDeviations
    from sciren.dynamics.prediction import SeriesPrediction as SeriesPrediction
    from sciren.dynamics.prediction import series_bands as series_bands
    from sciren.dynamics.prediction import simulate_series as simulate_series
    from sciren.dynamics.scores import group_scores as group_scores
    from sciren.dynamics.solving.directions import Directions as Directions
    from sciren.dynamics.solving.directions import jacobian as jacobian
    from sciren.dynamics.solving.local import local_jacobians as local_jacobians
    from sciren.dynamics.solving.recurrence import adjoint as adjoint
    from sciren.dynamics.solving.simulation import SeriesProcess as SeriesProcess
    from sciren.dynamics.solving.simulation import Trajectory as Trajectory
    from sciren.dynamics.solving.simulation import Values as Values

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
