"""The Basic Model Interface gives the numbers of predict, and keeps its contract."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bmipy")

import symbolic
from sciren.errors import ColumnError, ConfigError, FormatError, ShapeError

ROOT = Path(symbolic.__file__).parent.parent


@pytest.fixture
def component(model):
    return model.to_bmi(rows=5, time_step=0.5, time_units="h", end_time=10.0)


def test_a_step_gives_the_numbers_of_predict(model, rows, component):
    part = rows.head(5)
    for name in component.get_input_var_names():
        component.set_value(name, part[name].to_numpy())
    component.update()
    expected = model.predict(part)
    assert set(component.get_output_var_names()) == set(expected.columns)
    for name in component.get_output_var_names():
        got = component.get_value(name, np.empty(5))
        np.testing.assert_array_equal(got, expected[name].to_numpy(), err_msg=name)
        assert component.get_value_ptr(name) is component.get_value_ptr(name)


def test_points_are_set_and_read_by_number(component):
    component.set_value("ta", 3.0)
    component.set_value_at_indices("ta", np.array([1, 3]), np.array([7.0, 8.0]))
    got = component.get_value_at_indices("ta", np.empty(3), np.array([0, 1, 3]))
    assert got.tolist() == [3.0, 7.0, 8.0]
    assert component.get_var_nbytes("ta") == 40
    assert component.get_var_itemsize("ta") == 8


def test_time_goes_on_by_steps(component):
    component.update_until(1.2)
    assert component.get_current_time() == 1.0
    component.update_until(2.0)
    assert component.get_current_time() == 2.0
    assert component.get_time_units() == "h"
    with pytest.raises(ConfigError, match="lies before the present, 2"):
        component.update_until(1.0)


def test_units_are_those_of_the_table(component):
    assert component.get_var_units("ta") == "°C"
    assert component.get_var_units("rb") == "µmol m-2 s-1"
    assert component.get_var_units("beta") == "1"


def test_what_is_wrong_is_named(model, component, tmp_path):
    with pytest.raises(ColumnError, match="'tas'"):
        component.get_value_ptr("tas")
    with pytest.raises(ShapeError, match="5 points and got 3 values"):
        component.set_value("ta", np.ones(3))
    with pytest.raises(ConfigError, match="unknown key 'row'"):
        model.to_bmi(row=3)
    with pytest.raises(ConfigError, match="rows is 0"):
        model.to_bmi(rows=0)
    for wrong in (
        {"time_step": -1}, {"time_step": np.inf}, {"rows": 10**13}, {"rows": True},
        {"end_time": np.nan}, {"end_time": "soon"}, {"time_units": 3},
    ):  # fmt: skip
        ((name, value),) = wrong.items()
        with pytest.raises(ConfigError, match=f"{name} is {value!r}; write"):
            model.to_bmi(**wrong)
    with pytest.raises(ShapeError, match="takes numbers"):
        component.set_value("ta", np.array(["a", "b"]))
    with pytest.raises(ShapeError, match="the array 2"):
        component.get_value("ta", np.ones(2))
    for places in ([7], [-1], [0.5]):
        with pytest.raises(ShapeError, match="points 0 to 4"):
            component.get_value_at_indices("ta", np.ones(1), np.array(places))
    with pytest.raises(ShapeError, match="3 values for 2 points"):
        component.set_value_at_indices("ta", np.array([0, 1]), np.ones(3))
    for end in (np.inf, np.nan, 1e300):
        with pytest.raises(ConfigError, match="would take"):
            component.update_until(end)
    from symbolic.code.bmi import EquationsBmi

    file = tmp_path / "bmi.yaml"
    for text, said in (
        ("rows: [", "cannot be read"), ("- 3", "no list of keys"), ("[]", "no list"),
        ("a: " + "[" * 3000, "brackets inside"), ("- " * 3000, "cannot be read"),
    ):  # fmt: skip
        file.write_text(text)
        with pytest.raises(ConfigError, match=said):
            EquationsBmi().initialize(str(file))
    with pytest.raises(ConfigError, match="no equations"):
        EquationsBmi().initialize()
    file.write_text("equations: none.json")
    with pytest.raises(FormatError, match=r"none\.json"):
        EquationsBmi().initialize(str(file))


def test_a_grid_of_points_has_no_faces(component):
    assert component.get_grid_type(0) == "uniform_rectilinear"
    assert component.get_grid_shape(0, np.empty(1, int)).tolist() == [5]
    assert component.get_grid_x(0, np.empty(5)).tolist() == [0, 1, 2, 3, 4]
    for name in ("edge_count", "face_count"):
        with pytest.raises(NotImplementedError):
            getattr(component, f"get_grid_{name}")(0)


# Its command does not find its own fixtures under a pytest that stops looking for them at
# the folder of the tests, so its stages are called with that folder named.
TESTER = """
import pathlib, sys
import bmi_tester
from bmi_tester.api import check_bmi
home = pathlib.Path(bmi_tester.__file__).parent
stages = [home / "_bootstrap", *sorted((home / "_tests").glob("stage_*"))]
files = ("bmi.yaml",)
for stage in stages:
    status = check_bmi("component:Component", str(stage), files[0], files,
                       extra_args=["--confcutdir", str(home)])
    if status:
        sys.exit(int(status))
"""
COMPONENT = f"""
import runpy
from symbolic.code.bmi import EquationsBmi

build = runpy.run_path({str(Path(__file__).with_name("conftest.py"))!r})["build"]

class Component(EquationsBmi):
    def __init__(self):
        super().__init__(build())
"""


@pytest.mark.slow
def test_the_tester_of_the_interface_is_content(tmp_path):
    pytest.importorskip("bmi_tester")
    (tmp_path / "component.py").write_text(COMPONENT, encoding="utf-8")
    (tmp_path / "bmi.yaml").write_text("rows: 4\n")
    done = subprocess.run(
        [sys.executable, "-c", TESTER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_missing_inputs_give_missing_outputs(component):
    component.update()
    assert np.isnan(component.get_value_ptr("reco")).all()
    component.finalize()
    with pytest.raises(ColumnError, match="Call initialize first"):
        component.get_value_ptr("reco")
