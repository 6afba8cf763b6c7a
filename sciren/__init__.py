"""Constrained, interpretable encoders in front of process models.

Names resolve on first use, so that importing the package loads no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.agreement import Agreement as Agreement
    from sciren.agreement import r2 as r2
    from sciren.checkpoint import load_model as load_model
    from sciren.checkpoint import save_model as save_model
    from sciren.constraints import HardSigmoid as HardSigmoid
    from sciren.constraints import Identity as Identity
    from sciren.constraints import ReLU as ReLU
    from sciren.constraints import Sigmoid as Sigmoid
    from sciren.constraints import Softplus as Softplus
    from sciren.data import FeatureScaling as FeatureScaling
    from sciren.data import SeriesSplit as SeriesSplit
    from sciren.data import SeriesTable as SeriesTable
    from sciren.data import Split as Split
    from sciren.data import Table as Table
    from sciren.data import split_by_block as split_by_block
    from sciren.data import split_by_fold as split_by_fold
    from sciren.data import split_by_group as split_by_group
    from sciren.data import split_by_time as split_by_time
    from sciren.data import split_random as split_random
    from sciren.data import split_series as split_series
    from sciren.decoders import Decoder as Decoder
    from sciren.decoders import Q10Respiration as Q10Respiration
    from sciren.decoders import cascade as cascade
    from sciren.decoders import lag as lag
    from sciren.decoders import process_model as process_model
    from sciren.decoders import redeclare as redeclare
    from sciren.encoders import AdditiveEncoder as AdditiveEncoder
    from sciren.encoders import KANEncoder as KANEncoder
    from sciren.encoders import LinearEncoder as LinearEncoder
    from sciren.encoders import MLPEncoder as MLPEncoder
    from sciren.errors import SciRenError as SciRenError
    from sciren.importance import edge_importance as edge_importance
    from sciren.importance import edge_table as edge_table
    from sciren.importance import feature_importance as feature_importance
    from sciren.model import ScIReN as ScIReN
    from sciren.parameters import Forcing as Forcing
    from sciren.parameters import Parameter as Parameter
    from sciren.parameters import ParameterTable as ParameterTable
    from sciren.pruning import prune as prune
    from sciren.states import Balance as Balance
    from sciren.states import State as State
    from sciren.training import History as History
    from sciren.training import TrainConfig as TrainConfig
    from sciren.training import fit as fit
    from sciren.training import fit_ensemble as fit_ensemble

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
