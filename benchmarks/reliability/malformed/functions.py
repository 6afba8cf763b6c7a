"""Malformed process models: files that do not run, functions that return no targets."""

import random

from benchmarks.reliability.malformed.case import PROCESS, Kind, Malformed

HEAD = """\
import math, sys, os
import numpy as np
import torch
from sciren import Parameter, process_model
@process_model([Parameter("rb", low=0), Parameter("q10", low=0, kind="constant")], ["ta"],
               ["reco"])
def mine(p, f):
    {body}
"""
BODIES = (
    "return None", "pass", "return 5", "return 'x'", "return [p.rb]*3", "return {}",
    "return {'rec': p.rb}", "return p.rb.mean()", "return p.rb[:3]", "return p.rb * 1j",
    "return p.rb.detach()", "return f.ta", "return np.asarray(f.ta)", "return p.rd * f.ta",
    "return p.rb * f.tb", "return p.rb if f.ta > 0 else f.ta", "return math.exp(p.rb)",
    "print(p.rb); return p.rb", "f.ta -= 5; return p.rb * f.ta", "raise KeyError('x')",
    "raise StopIteration", "raise RecursionError", "raise MemoryError", "return mine(p, f)",
    "return 1 / 0", "assert False", "sys.exit(0)", "sys.exit('bye')", "raise SystemExit",
    "return torch.log(-p.rb - 1)", "return p.rb / (f.ta * 0)", "return p.rb ** f",
    "return p.rb[999]", "return torch.zeros(3) + p.rb", "return np.floor(p.rb)", "return exp(p.rb)",
    "return float(p.rb)", "return int(f.ta) * p.rb", "return p.rb and f.ta", "del p; return p",
    "return open('/nowhere')", "return p.rb.reshape(-1, 1)", "return (p.rb, p.rb)",
    "return [v for v in p.rb]", "import nowhere_at_all", "raise GeneratorExit",
    "return p.rb.round()", "yield p.rb", "return lambda: p.rb", "raise UnicodeError('\\ud800')",
)  # fmt: skip
FILES = (
    "", "x = ", "import nowhere_at_all", "raise SystemExit(0)", "mine = 3", "def mine(p, f): 1",
    "from sciren import Nothing", "1 / 0", "\x00", "import sys; sys.exit('no')", "(" * 500,
    "class mine: pass", "raise KeyboardInterruptt", "mine = lambda p, f: p", "async def mine(): 1",
    "from sciren import process_model\n@process_model([], [], [])\ndef mine(p, f): return 1",
    "from sciren import process_model, Parameter\n"
    "@process_model([Parameter('a', low=2, high=1)], [], ['reco'])\ndef mine(p, f): return p.a",
    "from sciren import process_model, Parameter\n"
    "@process_model([Parameter('a'), Parameter('a')], [], ['y'])\ndef mine(p, f): return p.a",
    "from sciren import process_model, Parameter\n"
    "@process_model([Parameter('a', low=0)], ['ta'], ['reco'])\ndef mine(p): return p.a",
)  # fmt: skip


def body(rng: random.Random) -> Malformed:
    """A function whose body is wrong."""
    chosen = rng.choice(BODIES)
    return _of(f"body {chosen!r}", HEAD.format(body=chosen))


def file(rng: random.Random) -> Malformed:
    """A file without a process model that can be used."""
    chosen = rng.choice(FILES)
    return _of(f"process file {chosen[:40]!r}", chosen)


def _of(name: str, content: str) -> Malformed:
    return Malformed(
        name,
        settings={"decoder": f"{PROCESS}:mine"},
        files=lambda folder: (folder / PROCESS).write_text(content, encoding="utf-8"),
        place=PROCESS,
    )


KINDS: tuple[Kind, ...] = (body, body, body, file)
