"""The process model that a configuration names: built in, or a function of the user's."""

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciren import functions
from sciren.errors import ConfigError, DecoderError, SciRenError, closest_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from sciren.decoders import Decoder


def load_decoder(
    name: str | None, settings: "Mapping[str, Any] | None" = None
) -> "Decoder | None":
    """Return the process model of this name.

    Args:
        name: a built-in name, ``path/to/file.py:name`` for one's own (the file is run,
            as ``import`` would), or None for plain regression.
        settings: arguments of a built-in process model.
    Raises:
        DecoderError: it does not exist, its file does not run, or it is no decoder.
        ConfigError: the settings do not fit.
    """
    if name is None:
        return None
    path, colon, attribute = name.rpartition(":")
    if not colon:
        return _built_in(name, settings or {})
    if settings:
        raise ConfigError(
            f"decoder.settings {sorted(settings)} belong to built-in process models; "
            f"write them into {path} instead"
        )
    return _from_file(Path(path), attribute)


def _built_in(name: str, settings: "Mapping[str, Any]") -> "Decoder":
    from sciren.decoders import decoder_named

    if name.endswith(".py"):
        raise DecoderError(
            f"decoder {name!r} names a file; say which function: {name}:my_function"
        )
    try:
        return decoder_named(name, **settings)
    except SciRenError:
        raise
    # The constructor was given nothing but these settings, so it is them that are
    # wrong.
    except (TypeError, ValueError, ArithmeticError) as error:
        given = ", ".join(f"{key}: {value!r:.40}" for key, value in settings.items())
        raise ConfigError(
            f"key 'decoder.settings' is {{{given}}}: process model {name!r} cannot be built "
            f"with it ({error})"
        ) from error


def _from_file(path: Path, attribute: str) -> "Decoder":
    from sciren.decoders import Decoder

    module = _run_file(path)
    decoder: Any = getattr(module, attribute, None)
    # A class in place of an instance is the usual slip, and is made good.
    if isinstance(decoder, type) and issubclass(decoder, Decoder):
        decoder = _instance(decoder, path)
    if isinstance(decoder, Decoder):
        return decoder
    decoders = [key for key, var in vars(module).items() if isinstance(var, Decoder)]
    if decoder is None:
        raise DecoderError(
            f"{path}: defines no {attribute!r}. {closest_names(attribute, decoders)}"
        )
    raise DecoderError(
        f"{path}: {attribute!r} is a {type(decoder).__name__}, no process model; put "
        "@process_model(parameters=[...], forcings=[...], targets=[...]) above it"
    )


def _instance(kind: Any, path: Path) -> "Decoder":
    try:
        return kind()
    except TypeError as error:
        raise DecoderError(
            f"{path}: class {kind.__name__!r} cannot be built without arguments: "
            f"{error}; make an instance in the file and name that"
        ) from error


def _run_file(path: Path) -> "ModuleType":
    """Run the user's file as a module of its own and return it."""
    check_process_file(path)
    name = f"_sciren_process_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DecoderError(f"{path}: is not a Python file; its name must end with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses of the file look there
    try:
        # modules beside the file come last, so that they hide no others; what the file
        # prints must not stand among the results on standard output
        sys.path.append(str(path.parent))
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    # A user's file may do anything at its top level; Ctrl-C alone passes through.
    except (Exception, SystemExit, GeneratorExit) as error:
        raise DecoderError(_told(error, path)) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def check_code_place(
    decoder: str | None, config: Path, named: bool, allow: bool = False
) -> None:
    """Refuse code that a configuration names outside of its own folder.

    A configuration may come from somebody else; what it may run is what came with it,
    which the user can read, or what the user names on the command line.

    Args:
        decoder: ``path/to/file.py:name``, or a built-in name.
        config: file of the configuration.
        named: whether the user named the process model on the command line.
        allow: whether the user allows any place.
    Raises:
        DecoderError: the file lies elsewhere.
    """
    file, colon, _ = (decoder or "").rpartition(":")
    if not colon or named or allow:
        return
    if not Path(file).resolve().is_relative_to(config.resolve().parent):
        raise DecoderError(
            f"{config}: the process model {file} lies outside the folder of the "
            "configuration, so it is not run; read it, and name it with --set "
            "decoder=FILE.py:NAME, or add --allow-code"
        )


def check_process_file(path: Path) -> None:
    """Check that a user's file is there and parses; it is not run.

    Raises:
        DecoderError: there is no such file, or a line is no Python.
    """
    if not path.is_file():
        near = sorted(file.name for file in path.parent.glob("*.py"))
        raise DecoderError(
            f"{path}: no such file for the process model. "
            f"{closest_names(path.name, near)}"
        )
    try:
        # Compiled and thrown away: tells a syntax error without running a line.
        compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        raise DecoderError(_told(error, path)) from error


def _told(error: BaseException, path: Path) -> str:
    """Say in one line why a file does not run, where, and what to do."""
    if isinstance(error, SciRenError):
        return f"{path}{_line_in(error, path)}: {error}"
    if isinstance(error, SyntaxError):
        # the file itself cannot be read, or a module that it imports
        file = Path(error.filename) if error.filename else path
        text = (error.text or "").strip()
        return (
            f"{file}, line {error.lineno}: not readable as Python: {error.msg}"
            f"{f' in {text[:60]!r}' if text else ''}; correct the line"
        )
    first = (str(error).strip().splitlines() or [""])[0]
    told, remedy = f"fails with {type(error).__name__}: {first}", "correct the line"
    if isinstance(error, SystemExit):
        told, remedy = "ends the program", "remove exit or sys.exit from the file"
    elif isinstance(error, ModuleNotFoundError):
        remedy = "install the package, put the module beside the file, or remove it"
    elif isinstance(error, NameError) and hasattr(functions, error.name or ""):
        told = f"{error.name} is not defined"
        remedy = f"add from sciren.functions import {error.name}"
    return f"{path}{_line_in(error, path)}: {told}; {remedy}"


def _line_in(error: BaseException, path: Path) -> str:
    """Return ', line n' for the last place in the file that led to the error."""
    # The innermost frame that lies in the file: deeper ones are in libraries.
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
