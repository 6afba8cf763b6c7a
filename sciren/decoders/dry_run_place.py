"""Where a mistake of a process model stands: file, line, and how it is said."""

import ast
import inspect
import textwrap
import traceback
from pathlib import Path
from typing import Any

from sciren.decoders.base import Decoder
from sciren.decoders.function import FunctionDecoder
from sciren.errors import DecoderError


class Place:
    """File of a process model, for messages."""

    def __init__(self, file: str, function: Any) -> None:
        self.file, self.function = file, function

    @classmethod
    def of(cls, decoder: Decoder) -> "Place | None":
        """Return where a process model stands; None for those of this package."""
        function: Any = (
            inspect.unwrap(decoder.function)
            if isinstance(decoder, FunctionDecoder)
            else type(decoder).__call__
        )
        module = getattr(function, "__module__", "") or ""
        code = getattr(function, "__code__", None)
        # Built-in models have tests; a check at each fit would only cost time.
        if code is None or module.split(".")[0] in ("sciren", "symbolic", "discovery"):
            return None
        return cls(code.co_filename, function)

    def error(self, line: int, text: str) -> DecoderError:
        """Return the error for a line of the file."""
        where = f", line {line}" if line else ""
        name = self.file if self.file.startswith("<") else str(Path(self.file))
        return DecoderError(f"{name}{where}: {text}")

    def line(self, error: BaseException) -> int:
        """Return the last line of the file that led to an error, or of the function."""
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self.file and frame.lineno
        ]
        return lines[-1] if lines else self.function.__code__.co_firstlineno

    def last_return(self) -> int:
        """Return the line of the function's last ``return``, or its first line."""
        first = self.function.__code__.co_firstlineno
        try:
            source, first = inspect.getsourcelines(self.function)
            # By the syntax tree: a `return` in a string or comment is none.
            tree = ast.parse(textwrap.dedent("".join(source)))
        except (OSError, SyntaxError, TypeError):
            return first
        returns = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Return)]
        return first + max(returns) - 1 if returns else first
