"""Noise, selection, intervals, bands and predictions that can be trusted.

Works on numpy arrays; `sciren.inference.observed` alone knows the torch model, and none
of it knows an encoder: what the data say about features does not hang on who was trained.
`ObservedProcess` is the observations seen through decoder, bounds and constants; `select`
sorts features into kept, undecided and excluded under an estimated law of the noise.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from sciren.inference.noise import NoiseLaw as NoiseLaw
    from sciren.inference.observed import ObservedProcess as ObservedProcess
    from sciren.inference.selection import Selection as Selection
    from sciren.inference.selection import select as select

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
