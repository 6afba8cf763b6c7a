"""Works that the methods of a run rest on, as BibTeX."""

from collections.abc import Iterable

REFERENCES = {
    "sciren": """@misc{sciren,
  author  = {{The ScIReN developers}},
  title   = {{ScIReN}: equations for the hidden parameters of a process model},
  version = {VERSION},
}""",
    "liu2024kan": """@misc{liu2024kan,
  author = {Liu, Ziming and Wang, Yixuan and Vaidya, Sachin and Ruehle, Fabian and
            Halverson, James and Solja{\\v{c}}i{\\'c}, Marin and Hou, Thomas Y. and Tegmark, Max},
  title  = {{KAN}: {Kolmogorov--Arnold} Networks},
  year   = {2024},
  eprint = {2404.19756},
  archivePrefix = {arXiv},
}""",
    "eilers1996": """@article{eilers1996,
  author  = {Eilers, Paul H. C. and Marx, Brian D.},
  title   = {Flexible smoothing with {B}-splines and penalties},
  journal = {Statistical Science},
  year    = {1996}, volume = {11}, number = {2}, pages = {89--121},
}""",
    "golub1973": """@article{golub1973,
  author  = {Golub, Gene H. and Pereyra, Victor},
  title   = {The differentiation of pseudo-inverses and nonlinear least squares problems whose
             variables separate},
  journal = {SIAM Journal on Numerical Analysis},
  year    = {1973}, volume = {10}, number = {2}, pages = {413--432},
}""",
    "kingma2015": """@inproceedings{kingma2015,
  author    = {Kingma, Diederik P. and Ba, Jimmy},
  title     = {Adam: A method for stochastic optimization},
  booktitle = {International Conference on Learning Representations},
  year      = {2015},
}""",
    "schwarz1978": """@article{schwarz1978,
  author  = {Schwarz, Gideon},
  title   = {Estimating the dimension of a model},
  journal = {The Annals of Statistics},
  year    = {1978}, volume = {6}, number = {2}, pages = {461--464},
}""",
    "kunsch1989": """@article{kunsch1989,
  author  = {K{\\"u}nsch, Hans R.},
  title   = {The jackknife and the bootstrap for general stationary observations},
  journal = {The Annals of Statistics},
  year    = {1989}, volume = {17}, number = {3}, pages = {1217--1241},
}""",
}
"""Key -> entry; the version of the software is filled in."""


def bibliography(keys: Iterable[str], version: str) -> str:
    """Return the entries of some keys, each once, in the order of the table.

    Raises:
        KeyError: a key that is not in the table.
    """
    wanted = set(keys)
    unknown = wanted - set(REFERENCES)
    if unknown:
        raise KeyError(f"no reference {sorted(unknown)}")
    entries = [text for key, text in REFERENCES.items() if key in wanted]
    return "\n\n".join(entries).replace("VERSION", version) + "\n"
