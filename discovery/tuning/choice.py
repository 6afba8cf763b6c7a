"""Which settings are taken: the simplest within one standard error of the best."""

from collections.abc import Mapping, Sequence

from discovery.tuning.trial import Score, paired_error
from sciren.errors import TrainingError


def choose(scores: Mapping[int, Score]) -> tuple[int, int]:
    """Return the numbers of the trial that is taken and of the one with the least loss.

    The error is that of the difference to the best on the same blocks of rows; of the
    trials within it the one with the fewest coefficients is taken, then the lowest loss.

    Reference:
        Breiman et al. 1984, Classification and Regression Trees, section 3.4.3 (the rule
        of one standard error).
    Raises:
        TrainingError: no trial could be trained.
    """
    done = {number: score for number, score in scores.items() if score.parts}
    if not done:
        first: Sequence[Score] = [score for score in scores.values() if score.error]
        why = f": {first[0].error}" if first else ""
        raise TrainingError(f"none of the {len(scores)} trials could be trained{why}")
    # Ties go to the earlier trial, so that the choice is the same every time.
    best = min(done, key=lambda number: (done[number].loss, number))
    close = [
        number
        for number, score in done.items()
        # Paired on the same blocks: what both find hard cancels in the difference.
        if score.loss - done[best].loss <= paired_error(score.parts, done[best].parts)
    ]
    taken = min(
        close, key=lambda number: (done[number].size, done[number].loss, number)
    )
    return taken, best
