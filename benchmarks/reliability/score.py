"""How often a harness tries, what it says meanwhile, and what it reports in the end."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

SECONDS = 5.0  # between two lines of progress: a reader sees that it goes on


@dataclass(frozen=True)
class Score:
    """Result of one harness.

    Attributes:
        check: what was tried.
        tried: number of attempts.
        missed: one sentence for every attempt that did not end as it must.
        asked: attempts that were wanted, where an interrupt came before the last.
    """

    check: str
    tried: int
    missed: tuple[str, ...] = ()
    asked: int | None = None

    def line(self) -> str:
        """Return check and count in one line, and the first that went wrong below."""
        head = f"{self.check}: {self.tried - len(self.missed)} of {self.tried}"
        if self.asked is not None:
            head += f" (interrupted, {self.asked} were asked for)"
        return "\n".join([head, *(f"  {text}" for text in self.missed[:10])])


@dataclass(frozen=True)
class Attempts:
    """Which attempts a harness makes.

    Every attempt is drawn from its own number, so that a long part can be split, and an
    attempt that went wrong can be made again alone.

    Attributes:
        count: how many;  seed: of all of them;  first: number of the first.
        say: hears the score every `SECONDS`, and what went wrong at once.
    """

    count: int
    seed: int = 0
    first: int = 0
    say: Callable[[str], None] = print

    def draw(self, number: int) -> random.Random:
        """Return the random numbers of an attempt."""
        return random.Random(f"{self.seed} {number}")

    def made(
        self, check: str, attempt: Callable[[int, random.Random], Sequence[str]]
    ) -> Score:
        """Make the attempts; an interrupt ends them with the score so far.

        Args:
            check: what is tried.
            attempt: (number, its random numbers) -> what is wrong, nothing if nothing is.
        """
        score, begin = Score(check, 0), time.monotonic()
        said = begin
        try:
            for number in range(self.first, self.first + self.count):
                wrong = attempt(number, self.draw(number))
                missed = [f"number {number}: {text}" for text in wrong[:1]]
                score = replace(
                    score, tried=score.tried + 1, missed=(*score.missed, *missed)
                )
                now = time.monotonic()
                for text in missed:
                    self.say(text)
                if now - said >= SECONDS:
                    said = now
                    self.say(self._progress(score, now - begin))
        except KeyboardInterrupt:
            return replace(score, asked=self.count)
        return score

    def _progress(self, score: Score, seconds: float) -> str:
        rate = score.tried / seconds
        left = (self.count - score.tried) / rate / 60
        return (
            f"{score.check}: {score.tried} of {self.count} tried, "
            f"{len(score.missed)} missed, {rate:.3g} a second, {left:.0f} min left"
        )
