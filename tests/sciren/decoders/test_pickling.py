"""Process models travel between processes by name, or say what to do instead."""

import copy
import pickle
import sys
import types

import pytest

from sciren import Parameter, process_model
from sciren.errors import DecoderError

SOURCE = """
from sciren import Parameter, process_model

@process_model([Parameter("rate")], ["light"], ["uptake"])
def light_use(p, f):
    return p.rate * f.light
"""


def test_a_model_of_a_module_is_pickled_by_its_name(monkeypatch):
    module = types.ModuleType("my_process_for_pickling")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(SOURCE, "my_process.py", "exec"), module.__dict__)
    assert pickle.loads(pickle.dumps(module.light_use)) is module.light_use
    assert copy.deepcopy(module.light_use) is module.light_use


def test_a_model_inside_a_function_says_what_to_do():
    @process_model([Parameter("rate")], ["light"], ["uptake"])
    def inside(p, f):
        return p.rate * f.light

    with pytest.raises(DecoderError, match=r"cannot be pickled.*top level of a module"):
        pickle.dumps(inside)
