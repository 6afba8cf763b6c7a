"""What a harness reports: how many faults it tried, and those that went through."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Result of one harness.

    Attributes:
        check: what was tried.
        tried: number of attempts.
        missed: one sentence for every attempt that did not end as it must.
    """

    check: str
    tried: int
    missed: tuple[str, ...] = ()

    def line(self) -> str:
        """Return check and count in one line, and the first that went wrong below."""
        head = f"{self.check}: {self.tried - len(self.missed)} of {self.tried}"
        return "\n".join([head, *(f"  {text}" for text in self.missed[:10])])
