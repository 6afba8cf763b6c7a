"""Training: `fit` chooses between Gauss-Newton and first-order steps, selects edges, profiles.

`gauss_newton` solves where the model is small enough, `first_order` trains anything, and
`many_rows` goes through blocks of rows that do not fit into memory.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.solvers.profile import ProfileSummary as ProfileSummary
    from sciren.training.config import TrainConfig as TrainConfig
    from sciren.training.ensemble import fit_ensemble as fit_ensemble
    from sciren.training.fitting import fit as fit
    from sciren.training.history import History as History
    from sciren.training.many_rows.fit import fit_many_rows as fit_many_rows
    from sciren.training.progress import LineProgress as LineProgress

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
