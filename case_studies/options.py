"""Arguments that the commands of several studies share."""

import argparse


def numbers(text: str) -> tuple[int, ...]:
    """Return 1, 2, 3 for "1-3", and 1, 4 for "1,4".

    Raises:
        argparse.ArgumentTypeError: the text is not like that.
    """
    listed: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} is not like 1-5 or 1,3")
        listed += range(int(first), int(last or first) + 1)
    if not listed:
        raise argparse.ArgumentTypeError(f"{text!r} names no number")
    return tuple(listed)
