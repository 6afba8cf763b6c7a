"""Candidate groupings of interacting features into nodes, most plausible first."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

Pair = tuple[int, int]
Group = tuple[int, ...]
Grouping = tuple[Group, ...]

MOST_NODES = 3


def components(pairs: Sequence[Pair]) -> list[Group]:
    """Connected components of the interaction graph."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        merged = set(pair).union(*touched)
        groups = [group for group in groups if not group & set(pair)] + [merged]
    return sorted(tuple(sorted(group)) for group in groups)


def cliques(features: Iterable[int], pairs: Sequence[Pair]) -> list[Group]:
    """Largest sets of features that all interact with each other."""
    features = list(features)
    known = {frozenset(pair) for pair in pairs}
    found: list[set[int]] = []
    for size in range(len(features), 1, -1):
        for some in combinations(features, size):
            complete = all(frozenset(pair) in known for pair in combinations(some, 2))
            if complete and not any(set(some) <= larger for larger in found):
                found.append(set(some))
    return sorted(tuple(sorted(one)) for one in found)


def groupings(pairs: Sequence[Pair]) -> Iterator[Grouping]:
    """Yield groupings of at most three nodes without repeats.

    Cliques come before whole components: features of one node nearly always interact
    pair by pair, and a chain of pairs is rather two nodes that share a feature.
    """
    known: set[Grouping] = set()
    for grouping in _proposed(pairs):
        key = tuple(sorted(grouping, key=lambda group: (-len(group), group)))
        if 0 < len(key) <= MOST_NODES and key not in known:
            known.add(key)
            yield key


def _proposed(pairs: Sequence[Pair]) -> Iterator[Grouping]:
    parts = components(pairs)
    split = [cliques(part, pairs) for part in parts]
    yield tuple(group for groups in split for group in groups)
    yield from _nested(split)
    yield tuple(parts)
    for k, part in enumerate(parts):
        others = tuple(parts[:k] + parts[k + 1 :])
        yield (part, part, *others)
        if len(part) in (3, 4):
            yield from _overlapping(part, others, pairs)
    strongest = tuple(sorted(pairs[0])) if pairs else ()
    if strongest:
        yield (strongest,)


def _nested(split: Sequence[Sequence[Group]]) -> Iterator[Grouping]:
    """Yield cliques with one of their pairs once more as a node of its own."""
    everything = [group for groups in split for group in groups]
    for group in everything:
        if len(group) in (3, 4):
            for pair in combinations(group, 2):
                yield (*everything, pair)


def _overlapping(
    part: Group, others: Grouping, pairs: Sequence[Pair]
) -> Iterator[Grouping]:
    """Yield pairs, and triples, of groups that share features and cover a component."""
    smaller = [group for size in (2, 3) for group in combinations(part, size)]
    for one, other in combinations(smaller, 2):
        if len(one) + len(other) > len(part) + 1:
            continue
        if set(one) | set(other) == set(part):
            yield (one, other, *others)
