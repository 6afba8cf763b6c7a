"""Verification: what was checked, the number found, its tolerance, PASS or FAIL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: short name;  meaning: one sentence.
        number: what was measured;  tolerance: its limit;  passed: the verdict.
        detail: where the number comes from, e.g. latent or constant.
        applies: False where the check makes no sense for these equations; it then
            counts as passed and has no number.
    """

    name: str
    meaning: str
    number: float
    tolerance: float
    passed: bool
    detail: str = ""
    applies: bool = True

    @classmethod
    def not_applicable(cls, name: str, reason: str) -> "Check":
        """Return a check that does not apply, and why."""
        return cls(name, reason, float("nan"), float("nan"), True, "", False)

    @property
    def verdict(self) -> str:
        """PASS, FAIL or "does not apply"."""
        return (
            "does not apply" if not self.applies else "PASS" if self.passed else "FAIL"
        )


@dataclass(frozen=True)
class Verification:
    """All checks of one symbolic model; one FAIL fails it.

    Attributes:
        checks: in the order in which they were made.
        agreement: latent -> R2 of the equation against the network, where known.
    """

    checks: tuple[Check, ...]
    agreement: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> str:
        """PASS or FAIL."""
        return "PASS" if self.passed else "FAIL"

    def frame(self) -> "pd.DataFrame":
        """Return one row a check."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "check": check.name,
                    "number": check.number,
                    "tolerance": check.tolerance,
                    "verdict": check.verdict,
                    "detail": check.detail,
                    "meaning": check.meaning,
                }
                for check in self.checks
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain mappings; numbers that are not finite as text."""
        rows = []
        for check in self.checks:
            row = dict(vars(check))
            row["number"] = _plain(check.number)
            row["tolerance"] = _plain(check.tolerance)
            if check.applies:
                del row["applies"]  # only what is unusual is said
            rows.append(row)
        return {"passed": self.passed, "checks": rows}

    @classmethod
    def from_json(cls, stored: Any) -> "Verification":
        """Read plain mappings back; the verdict is taken from the checks.

        Raises:
            TypeError: a check's verdict is neither true nor false.
        """
        checks = tuple(
            Check(
                str(row["name"]),
                str(row["meaning"]),
                float(row["number"]),
                float(row["tolerance"]),
                _truth(row["passed"]),
                str(row["detail"]),
                _truth(row.get("applies", True)),
            )
            for row in stored["checks"]
        )
        return cls(checks)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"passed is {value!r}; it must be true or false")
    return value


def _plain(value: float) -> float | str:
    return value if abs(value) < float("inf") else str(value)
