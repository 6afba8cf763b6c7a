"""Closed forms for learned curves: choose, refuse, refit, rebuild, verify, print.

Names resolve on first use: fitting and printing load no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from symbolic.composition import Composition as Composition
    from symbolic.composition import compose as compose
    from symbolic.composition import compose_latent as compose_latent
    from symbolic.curves import EdgeCurve as EdgeCurve
    from symbolic.document import to_document as to_document
    from symbolic.fit import CurveFit as CurveFit
    from symbolic.fit import fit_curve as fit_curve
    from symbolic.latex import to_latex as to_latex
    from symbolic.learned_curves import edge_curves as edge_curves
    from symbolic.library import DEFAULT_FAMILIES as DEFAULT_FAMILIES
    from symbolic.library import FAMILIES as FAMILIES
    from symbolic.pipeline import symbolify as symbolify
    from symbolic.printable import PrintableModel as PrintableModel
    from symbolic.register import register_family as register_family
    from symbolic.symbolic_model import SymbolicModel as SymbolicModel
    from symbolic.tex_tables import latex_table as latex_table
    from symbolic.text import to_text as to_text
    from symbolic.unit_check import check_units as check_units
    from symbolic.verdict import Verification as Verification
    from symbolic.verification import verify as verify

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "DEFAULT_FAMILIES": "symbolic.library",
        "FAMILIES": "symbolic.library",
        "Composition": "symbolic.composition",
        "CurveFit": "symbolic.fit",
        "EdgeCurve": "symbolic.curves",
        "SymbolicModel": "symbolic.symbolic_model",
        "Verification": "symbolic.verdict",
        "PrintableModel": "symbolic.printable",
        "check_units": "symbolic.unit_check",
        "compose": "symbolic.composition",
        "compose_latent": "symbolic.composition",
        "edge_curves": "symbolic.learned_curves",
        "fit_curve": "symbolic.fit",
        "latex_table": "symbolic.tex_tables",
        "to_document": "symbolic.document",
        "register_family": "symbolic.register",
        "symbolify": "symbolic.pipeline",
        "to_latex": "symbolic.latex",
        "to_text": "symbolic.text",
        "verify": "symbolic.verification",
    },
)
