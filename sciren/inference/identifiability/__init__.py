"""Which latents, constants and combinations of them the data hold."""

from sciren.inference.identifiability.combinations import Combination as Combination
from sciren.inference.identifiability.quantities import (
    Identifiability as Identifiability,
)
from sciren.inference.identifiability.quantities import Quantity as Quantity
from sciren.inference.identifiability.walk import walk as walk
