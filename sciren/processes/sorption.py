"""What a solid holds of a solute."""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum
from sciren.parameters import Forcing, Parameter

SOLUTE = Forcing("c", 0, 5000, "mg L-1", "concentration; noise below 0 counts as 0")
HELD = {"q": "mg g-1"}


@process_model(
    parameters=[
        Parameter("qmax", 0.1, 500, "mg g-1", "capacity", start=25),
        Parameter("kl", 1e-4, 50, "L mg-1", "affinity", "constant", 0.3),
    ],
    forcings=[SOLUTE],
    targets=["q"],
    target_units=HELD,
)
def langmuir(p: Any, f: Any) -> Any:
    """Sorption on a limited number of equal places.

        q = qmax kl c/(1 + kl c)

    Limits: qmax kl c for small c, qmax for large c.
    Identifiability: qmax kl only, where c is small.
    Reference: Langmuir 1918, Journal of the American Chemical Society 40, 1361-1403.
    """
    c = maximum(f.c, 0)
    return p.qmax * p.kl * c / (1 + p.kl * c)


@process_model(
    parameters=[
        Parameter("kf", 1e-3, 500, "mg g-1", "sorption at 1 mg L-1", start=4),
        Parameter("inv_n", 0.1, 1.2, "1", "exponent 1/n", "constant", 0.7),
        Parameter("c1", unit="mg L-1", meaning="unit of c", kind="fixed", start=1),
    ],
    forcings=[SOLUTE],
    targets=["q"],
    target_units=HELD,
)
def freundlich(p: Any, f: Any) -> Any:
    """Sorption on places of many kinds.

        q = kf (c/c1)^inv_n,  c1 = 1 mg L-1

    Limits: 0 at c = 0; linear at inv_n = 1.
    Identifiability: kf and inv_n trade off unless the data span c1; then fix c1 in the
    middle of the data.
    Reference: Freundlich 1907, Zeitschrift fur physikalische Chemie 57, 385-470.
    """
    return p.kf * (maximum(f.c, 0) / p.c1) ** p.inv_n
