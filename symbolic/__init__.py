"""Closed forms for learned curves: choose, refuse, refit, rebuild, verify, print.

Names resolve on first use: fitting and printing load no torch.
"""

from typing import TYPE_CHECKING

from sciren._lazy import lazy

if TYPE_CHECKING:
    from symbolic.composition import Composition as Composition
    from symbolic.composition import compose as compose
    from symbolic.composition import compose_latent as compose_latent
    from symbolic.curves.curve_fit import CurveFit as CurveFit
    from symbolic.curves.edge_curve import EdgeCurve as EdgeCurve
    from symbolic.curves.fit import fit_curve as fit_curve
    from symbolic.curves.learned_curves import edge_curves as edge_curves
    from symbolic.families.library import DEFAULT_FAMILIES as DEFAULT_FAMILIES
    from symbolic.families.library import FAMILIES as FAMILIES
    from symbolic.families.registration import register_family as register_family
    from symbolic.model.symbolic_model import SymbolicModel as SymbolicModel
    from symbolic.options import SymbolicOptions as SymbolicOptions
    from symbolic.pipeline import symbolify as symbolify
    from symbolic.printing.document import to_document as to_document
    from symbolic.printing.latex import to_latex as to_latex
    from symbolic.printing.printable import PrintableModel as PrintableModel
    from symbolic.printing.tex_tables import latex_table as latex_table
    from symbolic.printing.text import to_text as to_text
    from symbolic.units.check import check_units as check_units
    from symbolic.verdict import Verification as Verification
    from symbolic.verification import verify as verify

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
