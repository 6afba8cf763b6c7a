"""A process model is found by name or in the user's file, and errors name the file."""

import sys

import pytest

from discovery.config.process import load_decoder
from sciren.errors import ConfigError, DecoderError

MINE = """\
from sciren.decoders import Decoder, process_model
from sciren.parameters import Parameter

@process_model(
    parameters=[Parameter("rate", low=0, high=2)], forcings=["par"], targets=["gpp"]
)
def light_use(p, f):
    return p.rate * f.par

class Mine(Decoder):
    def __init__(self):
        super().__init__("mine", [Parameter("rate")])
    def __call__(self, p, f):
        return p.rate

class Picky(Mine):
    def __init__(self, depth):
        super().__init__()

plain = 5
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_process.py"
    path.write_text(MINE)
    return path


def test_built_in_models_come_by_name_with_their_settings():
    decoder = load_decoder("q10", {"t_ref": 10.0})
    assert decoder is not None
    assert decoder.settings() == {"t_ref": 10.0}
    assert load_decoder(None) is None


def test_functions_and_classes_of_a_file_are_process_models(file):
    found = [load_decoder(f"{file}:{name}") for name in ("light_use", "Mine")]
    assert [one.name for one in found if one] == ["light_use", "mine"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("q01", "no built-in decoder is called 'q01'. Closest names: q10"),
        ("my.py", "'my.py' names a file; say which function: my.py:my_function"),
    ],
)
def test_an_unknown_name_is_refused(name, message):
    with pytest.raises(DecoderError, match=message):
        load_decoder(name)


def test_settings_must_fit_the_model(file):
    with pytest.raises(ConfigError, match=r"'q10' cannot be built with it .*t_reff"):
        load_decoder("q10", {"t_reff": 1})
    with pytest.raises(ConfigError, match="belong to built-in process models"):
        load_decoder(f"{file}:light_use", {"t_ref": 1})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("light_us", "my_process.py: defines no 'light_us'. Closest names: light_use"),
        ("plain", "'plain' is a int, no process model; put @process_model"),
        ("Picky", "class 'Picky' cannot be built without arguments: .*depth"),
    ],
)
def test_a_name_that_is_no_process_model_says_what_is_there(file, name, message):
    with pytest.raises(DecoderError, match=message):
        load_decoder(f"{file}:{name}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (1,\ny = 2 3\n", r"my_process.py, line \d: not readable as Python"),
        ("a = 1\nb = a / 0\n", "my_process.py, line 2: fails with ZeroDivisionError"),
        (
            "import no_such_package\n",
            "line 1: fails with ModuleNotFoundError.*install the package",
        ),
        (
            "from math import expp\n",
            "line 1: fails with ImportError.*correct the line",
        ),
        ("import sys\nsys.exit(3)\n", "line 2: ends the program; remove exit"),
        (
            "a = exp(1)\n",
            "line 1: exp is not defined; add from sciren.functions import",
        ),
        ("def f(p, f)\n", r"line 1: not readable as Python: .* in 'def f\(p, f\)'"),
        (
            MINE.replace("high=2", "high=-1"),
            r"my_process.py, line 5: parameter 'rate' has bounds \[0, -1\]; low must be below",
        ),
        (MINE.replace('targets=["gpp"]', "targets=[]"), "declares no targets"),
    ],
)
def test_a_file_that_does_not_run_says_where(file, text, message):
    file.write_text(text)
    with pytest.raises(DecoderError, match=message):
        load_decoder(f"{file}:light_use")


def test_a_missing_file_names_its_neighbours(file):
    with pytest.raises(DecoderError, match=r"no such file .*names: my_process.py"):
        load_decoder(f"{file.parent / 'my_proces.py'}:light_use")
    other = file.with_suffix(".txt")
    other.write_text(MINE)
    with pytest.raises(DecoderError, match="is not a Python file"):
        load_decoder(f"{other}:light_use")


def test_a_module_beside_the_file_can_be_imported(file):
    (file.parent / "beside_the_file.py").write_text("FACTOR = 2\n")
    file.write_text(f"from beside_the_file import FACTOR\n{MINE}")
    before = list(sys.path)
    assert load_decoder(f"{file}:light_use")
    assert sys.path == before


def test_what_a_file_prints_stands_beside_the_results(file, capsys):
    file.write_text(f"print('hello')\n{MINE}")
    load_decoder(f"{file}:light_use")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")
