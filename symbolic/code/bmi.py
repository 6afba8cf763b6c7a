"""Equations behind the Basic Model Interface, for couplers such as pymt.

Every step evaluates the equations on as many points as the grid has; nothing is
remembered from step to step. Inputs are columns (features and forcings), outputs targets
and latents.

Reference: Hutton, Piper and Tucker 2020, the Basic Model Interface 2.0 (JOSS 5, 2317).
"""

from pathlib import Path
from typing import Any

import numpy as np
from bmipy import Bmi
from numpy.typing import NDArray

from sciren.errors import ColumnError, ConfigError, ShapeError, closest_names
from symbolic.code.bmi_settings import checked, read_settings
from symbolic.model.record import EquationRecord
from symbolic.model.storage import load

GRID = 0
"""The only grid: points in a row, one unit apart."""

MOST_STEPS = 10**9
"""Steps of one call of `EquationsBmi.update_until`: hours of work for a single point."""


class EquationsBmi(Bmi):
    """A model of the Basic Model Interface whose step evaluates equations.

    Args:
        equations: the model; None where the file of `initialize` names one.
        settings: rows, time_step, time_units, end_time, where no file says others.
    """

    def __init__(
        self, equations: EquationRecord | None = None, **settings: Any
    ) -> None:
        self._equations = equations
        self._settings = checked("EquationsBmi", settings)
        self._time = 0.0
        self._values: dict[str, NDArray[np.float64]] = {}

    # -- control ----------------------------------------------------------------------
    def initialize(self, config_file: str = "") -> None:
        """Read settings and lay out the values, missing at first.

        Args:
            config_file: YAML with equations (path of an ``equations.json``, from the
                file's folder), rows, time_step, time_units, end_time; all may be left
                out. "" for none.
        Raises:
            ConfigError: an unknown key or value, or no equations.
            FormatError: the equations cannot be read.
        """
        given = read_settings(config_file)
        place = given.pop("equations", None)
        self._settings = checked(config_file, self._settings | given)
        if place is not None:
            self._equations = load(Path(config_file).parent / str(place))
        rows = self._settings["rows"]
        self._time = 0.0
        names = (*self.get_input_var_names(), *self.get_output_var_names())
        # arrays that last: couplers may hold pointers to them (`get_value_ptr`)
        self._values = {name: np.full(rows, np.nan) for name in names}

    def update(self) -> None:
        """Evaluate the equations at the inputs and go one step on."""
        model = self._model
        columns = {name: self._known(name) for name in self.get_input_var_names()}
        with np.errstate(all="ignore"):
            outputs = model.to_numpy()(columns)
        for name, values in outputs.items():
            # written into the arrays, not put in their place
            self._values[name][:] = values
        self._time += self._settings["time_step"]

    def update_until(self, time: float) -> None:
        """Go on step by step until a time is reached.

        Raises:
            ConfigError: it lies before the present, or is never reached.
        """
        steps = (time - self._time) / self._settings["time_step"]
        if steps < 0:
            raise ConfigError(f"time {time:g} lies before the present, {self._time:g}")
        # not <=, which holds for no steps that are no number
        if not steps <= MOST_STEPS:
            raise ConfigError(f"time {time:g} would take {steps:.3g} steps from here")
        # rounded, so that rounding of the times adds no step
        for _ in range(round(steps)):
            self.update()

    def finalize(self) -> None:
        """Forget the values."""
        self._values = {}

    # -- names ------------------------------------------------------------------------
    @property
    def _model(self) -> EquationRecord:
        if self._equations is None:
            raise ConfigError(
                "there are no equations; name them in the file of initialize, "
                "equations: runs/tower/equations.json"
            )
        return self._equations

    def get_component_name(self) -> str:
        """Name what the model computes."""
        return f"ScIReN equations of {', '.join(self._model.latent_names)}"

    # bmipy writes tuple[str] where its standard means any number of names
    def get_input_var_names(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
    ) -> tuple[str, ...]:
        """Columns: features that the equations use, then forcings."""
        model = self._model
        forcings = model.forcing_columns.values() if model.process is not None else ()
        return tuple(dict.fromkeys([*model.used_features(), *forcings]))

    # bmipy writes tuple[str] where its standard means any number of names
    def get_output_var_names(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
    ) -> tuple[str, ...]:
        """Targets, then latents."""
        model = self._model
        return tuple(dict.fromkeys([*(model.process or {}), *model.equations]))

    def get_input_item_count(self) -> int:
        """Count the inputs."""
        return len(self.get_input_var_names())

    def get_output_item_count(self) -> int:
        """Count the outputs."""
        return len(self.get_output_var_names())

    # -- variables --------------------------------------------------------------------
    def _known(self, name: str) -> NDArray[np.float64]:
        if name not in self._values:
            raise ColumnError(
                f"there is no variable {name!r}. {closest_names(name, self._values)} "
                "Call initialize first where there is none"
            )
        return self._values[name]

    def get_var_type(self, name: str) -> str:
        """Return the type of a variable's values."""
        return str(self._known(name).dtype)

    def get_var_units(self, name: str) -> str:
        """Return the unit of a variable, "1" where none is known."""
        model = self._model
        # a target has a name in the process and a column in the table
        column = model.target_columns.get(name, name)
        return model.unit_of.get(name) or model.unit_of.get(column) or "1"

    def get_var_itemsize(self, name: str) -> int:
        """Return the bytes of a value."""
        return self._known(name).itemsize

    def get_var_nbytes(self, name: str) -> int:
        """Return the bytes of all values."""
        return self._known(name).nbytes

    def get_var_location(self, name: str) -> str:
        """Return where the values are: at the points."""
        self._known(name)
        return "node"

    def get_var_grid(self, name: str) -> int:
        """Return the grid of a variable."""
        self._known(name)
        return GRID

    def get_value(self, name: str, dest: NDArray[Any]) -> NDArray[Any]:
        """Copy the values of a variable into an array."""
        return _filled(name, dest, self._known(name))

    def get_value_ptr(self, name: str) -> NDArray[Any]:
        """Return the values of a variable themselves."""
        return self._known(name)

    def get_value_at_indices(
        self, name: str, dest: NDArray[Any], inds: NDArray[np.int_]
    ) -> NDArray[Any]:
        """Copy the values at some points into an array."""
        return _filled(name, dest, self._known(name)[self._places(name, inds)])

    def set_value(self, name: str, src: NDArray[Any]) -> None:
        """Set the values of a variable.

        Raises:
            ShapeError: another number of values than points.
        """
        values = self._known(name)
        given = _numbers(name, src)
        # a single number holds for all points
        if given.size not in (1, values.size):
            raise ShapeError(
                f"variable {name!r} has {values.size} points and got {given.size} values; "
                "set rows in the file of initialize"
            )
        values[:] = given

    def set_value_at_indices(
        self, name: str, inds: NDArray[np.int_], src: NDArray[Any]
    ) -> None:
        """Set the values of a variable at some points."""
        places, given = self._places(name, inds), _numbers(name, src)
        if given.size not in (1, places.size):
            raise ShapeError(
                f"variable {name!r}: {given.size} values for {places.size} points"
            )
        self._known(name)[places] = given

    def _places(self, name: str, inds: NDArray[np.int_]) -> NDArray[np.int_]:
        """Return numbers of points, checked."""
        places, points = np.asarray(inds).ravel(), self._known(name).size
        whole = np.issubdtype(places.dtype, np.integer)
        if not whole or not ((places >= 0) & (places < points)).all():
            raise ShapeError(
                f"variable {name!r} has points 0 to {points - 1}, got {places[:5].tolist()}"
            )
        return places

    # -- time -------------------------------------------------------------------------
    def get_start_time(self) -> float:
        """Return zero."""
        return 0.0

    def get_current_time(self) -> float:
        """Return the time of the last step."""
        return self._time

    def get_end_time(self) -> float:
        """Return when the model ends; it never has to."""
        return float(self._settings["end_time"])

    def get_time_step(self) -> float:
        """Return the length of a step."""
        return float(self._settings["time_step"])

    def get_time_units(self) -> str:
        """Return the unit of time."""
        return str(self._settings["time_units"])

    # -- grid -------------------------------------------------------------------------
    def get_grid_rank(self, grid: int) -> int:
        """Return the number of dimensions."""
        return 1

    def get_grid_size(self, grid: int) -> int:
        """Return the number of points."""
        return int(self._settings["rows"])

    def get_grid_type(self, grid: int) -> str:
        """Return the kind of grid."""
        return "uniform_rectilinear"

    def get_grid_shape(self, grid: int, shape: NDArray[np.int_]) -> NDArray[np.int_]:
        """Fill in the points of each dimension."""
        shape[:] = self._settings["rows"]
        return shape

    def get_grid_spacing(
        self, grid: int, spacing: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Fill in the distance of the points."""
        spacing[:] = 1.0
        return spacing

    def get_grid_origin(
        self, grid: int, origin: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Fill in where the points begin."""
        origin[:] = 0.0
        return origin

    def get_grid_x(self, grid: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fill in the numbers of the points."""
        x[:] = np.arange(self.get_grid_size(grid))
        return x

    def get_grid_y(self, grid: int, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raise: the grid has one dimension."""
        raise NotImplementedError("the grid has one dimension")

    def get_grid_z(self, grid: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raise: the grid has one dimension."""
        raise NotImplementedError("the grid has one dimension")

    def get_grid_node_count(self, grid: int) -> int:
        """Return the number of points."""
        return self.get_grid_size(grid)

    def get_grid_edge_count(self, grid: int) -> int:
        """Raise: points in a row have no edges."""
        raise NotImplementedError("a uniform grid lists no edges")

    def get_grid_face_count(self, grid: int) -> int:
        """Raise: points in a row have no faces."""
        raise NotImplementedError("a uniform grid lists no faces")

    def get_grid_edge_nodes(
        self, grid: int, edge_nodes: NDArray[np.int_]
    ) -> NDArray[np.int_]:
        """Raise: points in a row have no edges."""
        raise NotImplementedError("a uniform grid lists no edges")

    def get_grid_face_edges(
        self, grid: int, face_edges: NDArray[np.int_]
    ) -> NDArray[np.int_]:
        """Raise: points in a row have no faces."""
        raise NotImplementedError("a uniform grid lists no faces")

    def get_grid_face_nodes(
        self, grid: int, face_nodes: NDArray[np.int_]
    ) -> NDArray[np.int_]:
        """Raise: points in a row have no faces."""
        raise NotImplementedError("a uniform grid lists no faces")

    def get_grid_nodes_per_face(
        self, grid: int, nodes_per_face: NDArray[np.int_]
    ) -> NDArray[np.int_]:
        """Raise: points in a row have no faces."""
        raise NotImplementedError("a uniform grid lists no faces")


def _numbers(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError) as error:
        raise ShapeError(
            f"variable {name!r} takes numbers, got {values!r:.80}"
        ) from error


def _filled(name: str, dest: NDArray[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    """Copy values into an array of their size."""
    if np.shape(dest) != values.shape:
        raise ShapeError(
            f"variable {name!r} has {values.size} values here, the array {np.size(dest)}"
        )
    dest[:] = values
    return dest
