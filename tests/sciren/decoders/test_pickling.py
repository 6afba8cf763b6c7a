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


SCRIPT = (
    SOURCE
    + """
if __name__ == "__main__":
    raise AssertionError("the work of the script must not be done again")
"""
)


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Function: source -> the model of a script of this source, as if it ran."""

    def running(source):
        file = tmp_path / "script.py"
        file.write_text(source)
        module = types.ModuleType("__main__")
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(compile(SOURCE, str(file), "exec"), module.__dict__)
        return module.light_use

    return running


def test_a_model_of_a_script_is_read_again_where_another_script_runs(
    script, monkeypatch
):
    model = script(SCRIPT)
    stored = pickle.dumps(model)
    assert pickle.loads(stored) is model
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    monkeypatch.setitem(sys.modules, "__mp_main__", types.ModuleType("__mp_main__"))
    other = pickle.loads(stored)
    assert other is not model
    assert other.latent_names == model.latent_names
    assert pickle.dumps(other) == stored, "and it finds its way back"


@pytest.mark.parametrize("change", ["no guard", "no file"])
def test_a_script_that_cannot_be_read_again_says_what_to_do(script, change):
    model = script(SOURCE)
    if change == "no file":
        del sys.modules["__main__"].__file__
    with pytest.raises(DecoderError, match="move it to a module"):
        pickle.dumps(model)
