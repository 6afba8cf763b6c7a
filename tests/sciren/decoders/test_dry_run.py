"""The first mistakes in a process model are told with file, line and remedy."""

import textwrap
import types

import pytest
import torch

from sciren.decoders import BUILT_IN, IdentityDecoder, decoder_named
from sciren.decoders.dry_run import check_process_model
from sciren.errors import DecoderError

HEAD = """\
import math
import sys
import numpy as np
import torch
from scipy.special import expit
from sciren import Parameter, process_model
from sciren.functions import exp, log, maximum, where

@process_model(
    parameters=[Parameter("k", low=0), Parameter("q", low=0, kind="constant")],
    forcings=["ta", "par"], targets=[TARGETS],
)
def mine(p, f):
"""
FIRST = len(HEAD.splitlines()) + 1
FORCINGS = {
    "ta": torch.linspace(-10, 30, 40, dtype=torch.float64),
    "par": torch.linspace(0.5, 12, 40, dtype=torch.float64),
}


def process(tmp_path, body, targets='"y"'):
    file = tmp_path / "mine.py"
    text = HEAD.replace("TARGETS", targets)
    file.write_text(text + textwrap.indent(textwrap.dedent(body), "    "))
    module = types.ModuleType("mine")
    exec(compile(file.read_text(), str(file), "exec"), vars(module))
    return module.mine


WRONG = {
    "a function of math": ("return p.k * math.exp(p.q)", 1, "functions of `math`"),
    "a function of numpy": ("x = 1\nreturn np.floor(p.k) * f.ta", 2, "numpy's floor"),
    "a sum over rows by numpy": ("return p.k * np.sum(f.ta)", 1, "numpy's sum"),
    "an array of numpy": ("return np.array(p.k) * f.ta", 1, "out of the training"),
    "if": ("if f.ta > 0:\n    return p.k\nreturn p.q * f.ta", 1, "use where("),
    "and": ("return p.k * where((f.ta > 0) and (f.par > 1), 1, 2)", 1, "use where("),
    "max": ("return max(p.k, 0) * f.ta", 1, "minimum and maximum of sciren.functions"),
    "a loop": (
        "out = []\nfor i in range(len(f.ta)):\n    out.append(p.k[i] * f.ta[i])\n"
        "return torch.stack(out)",
        3,
        "write the formula once for the whole columns",
    ),
    "a loop over values": ("return [k * 2 for k in p.k]", 1, "in a loop"),
    "writing rows": ("y = p.k * 1\ny[f.ta < 0] = 0\nreturn y", 2, "use where("),
    "a single number": ("return 3.0", 1, "a single value for target 'y' and 40 rows"),
    "a mean": ("y = p.k * f.ta\nreturn y.mean()", 2, "a single value for target 'y'"),
    "a wrong shape": ("return (p.k * f.ta)[:, None]", 1, "returns shape (40, 1)"),
    "two columns": ("return torch.stack((p.k, p.k), 1)", 1, "returns shape (40, 2)"),
    "nothing": ("y = p.k * f.ta", 0, "returns nothing; end with return"),
    "an unknown parameter": ("return p.kk * f.ta", 1, "p.kk is not declared as parameter"),
    "an unknown forcing": ("return p.k * f.tair", 1, "f.tair is not declared as forcing"),
    "a parameter among the forcings": (
        "return f.k * f.ta", 1, "k is a parameter, and the function takes (p, f) in this"
    ),
    "a series of pandas": (
        "import pandas\nreturn pandas.Series(p.k) * f.ta", 2, "takes values out of the"
    ),
    "a missing import": ("return p.k * tanh(f.ta)", 1, "from sciren.functions import tanh"),
    "a missing prefix": ("return p.k * ta", 1, "forcings f.name"),
    "a forcing in place": ("f.ta -= 15\nreturn p.k * f.ta", 1, "changes f.ta in place"),
    "a forcing under another name": ("x = f.ta\nx /= 2\nreturn p.k * x", 2, "f.ta in place"),
    "a method in place": ("return p.k * f.ta.clamp_(0)", 1, "changes f.ta in place"),
    "whole division": ("return p.k * (f.ta // 10)", 1, "`//` divides to whole numbers"),
    "complex numbers": ("return p.k * (f.ta + 0j)", 1, "complex numbers for target 'y'"),
    "no number": ("x = f.ta - 100\nreturn p.k * log(x)", 2, "f.ta = -10, "),
    "a root of a negative": ("return p.k * (f.ta * 0 - 1) ** 0.5 + f.ta", 1, "no number"),
    "printing": ("y = p.k * f.ta\nprint(y)\nreturn y", 2, "remove the print"),
    "the end": ("sys.exit(1)\nreturn p.k", 1, "remove exit or sys.exit"),
    "no slope": ("return p.k.round() * f.ta", 1, "does not change with any parameter"),
    "no parameter": ("return f.ta * 2", 1, "does not depend on any parameter"),
    "an item": ("return p.k.item() * f.ta", 1, ".item() takes values out"),
    "text": ("return p.k + 'a'", 1, "fails with TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_each_first_mistake_is_one_error_with_file_line_and_remedy(tmp_path, what):
    body, line, message = WRONG[what]
    decoder = process(tmp_path, body)
    with pytest.raises(DecoderError) as caught:
        check_process_model(decoder, FORCINGS)
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'mine.py'}, line "), text
    if line:
        assert text.startswith(f"{tmp_path / 'mine.py'}, line {FIRST + line - 1}: "), (
            text
        )
    assert (message or "single rows") in text
    assert "\n" not in text


RIGHT = [
    "return p.k * exp(-p.q * f.ta)",
    "return p.k * np.exp(-p.q * f.ta) + np.where(f.ta > 0, p.k, p.q)",
    "return expit(p.k) * f.par / (1 + f.par)",
    "return p.k * f.par / np.sqrt(np.maximum(f.ta, 1e-3))",
    "ta = f.ta - 15\nta = ta / 10\nreturn p.k * p.q ** ta",
    "y = p.k * f.ta\ny += 1\nreturn y",
    "return p.k * torch.sigmoid(f.ta)",
    "return p.k * (f.ta.clamp(min=0) + abs(f.par))",
    "return p.k * where((f.ta > 0) & (f.par > 1), f.ta, 0.0)",
    "import numpy\nreturn p.k * numpy.clip(f.ta, 0, 10)",
    "return p.k * log(f.par - 0.4) + math.pi",
    "assert f.ta.shape == p.k.shape\nreturn p.k * f.ta.numel()",
    "return log(p.k - 0.5) * f.ta",
]


@pytest.mark.parametrize("body", RIGHT)
def test_what_can_be_trained_passes_unchanged(tmp_path, body):
    before = {name: value.clone() for name, value in FORCINGS.items()}
    check_process_model(process(tmp_path, body), FORCINGS)
    assert all(torch.equal(FORCINGS[name], value) for name, value in before.items())


def test_several_targets_come_as_mapping_list_or_columns(tmp_path):
    targets = '"x", "y"'
    for body in (
        "return {'y': p.k * f.ta, 'x': p.q * f.par}",
        "return p.k * f.ta, p.q * f.par",
        "return torch.stack((p.k, p.q), 1)",
    ):
        check_process_model(process(tmp_path, body, targets), FORCINGS)
    for body, message in (
        ("return {'x': p.k, 'z': p.k}", "does not return target 'y'. Present: x, z"),
        ("return p.k * f.ta", "returns no 2 arrays for the targets x, y"),
    ):
        with pytest.raises(DecoderError, match=message):
            check_process_model(process(tmp_path, body, targets), FORCINGS)


def test_gaps_few_rows_and_models_of_the_package_are_passed(tmp_path):
    decoder = process(tmp_path, "return p.k * log(f.par)")
    gaps = {name: value.clone() for name, value in FORCINGS.items()}
    gaps["par"][::2] = torch.nan
    check_process_model(decoder, gaps)
    check_process_model(decoder, {name: v[:1] for name, v in FORCINGS.items()})
    check_process_model(decoder, {name: v[:0] for name, v in FORCINGS.items()})
    for built_in in (*map(decoder_named, BUILT_IN), IdentityDecoder(["y"])):
        check_process_model(built_in, {})


def test_numpy_functions_train_and_print_like_those_of_the_package(tmp_path):
    body = "return p.k * {0}exp(-p.q * f.ta / 10) + {0}maximum(f.par, 1.0)"
    ours, numpys = (process(tmp_path, body.format(name)) for name in ("", "np."))
    latents = torch.linspace(0.5, 2, 40, dtype=torch.float64)[:, None].requires_grad_()
    constants = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    found = [d.evaluate(latents, constants, FORCINGS) for d in (ours, numpys)]
    assert torch.equal(found[0], found[1])
    slopes = [torch.autograd.grad(y.sum(), (latents, constants)) for y in found]
    assert all(torch.equal(a, b) for a, b in zip(*slopes, strict=True))
