"""Equations as source code of other languages: Python, C, Fortran, Julia and R."""

from symbolic.code.writing import LANGUAGES as LANGUAGES
from symbolic.code.writing import SUFFIXES as SUFFIXES
from symbolic.code.writing import to_code as to_code

__all__ = ["LANGUAGES", "SUFFIXES", "to_code"]
