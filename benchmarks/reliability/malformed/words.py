"""Odd words on the command line: paths that are none, and files that never end."""

import random

from benchmarks.reliability.malformed.case import CONFIG, DATA, Kind, Malformed

PATHS = (
    "nowhere.yaml", ".", "/dev/zero", "/dev/null", "~no-such-user/x.yaml", "x" * 300,
    "\udcff.yaml", "", "/proc/self/mem", "../../..", "nowhere.csv", "no\nwhere.yaml", "*.yaml",
    "-", "/no/such/secret.yaml", "CONFIG.yaml/x", "https://example.org/x.yaml",
)  # fmt: skip
CHANGES = (
    "seed", "=1", "a=b=c", "data.path.x=1", "seed=[" + "[" * 3000, "train.device=quantum",
    "sed=1", "out=/dev/null/x", "out=", "decoder=q11", "decoder=x.py:f", "split.kind=tme",
    "features=[", "features=x1", "seed=!!bool maybe", "out=a\x00b", "out=~no-such-user/x",
    "data.path=~no-such-user/x.csv", "encoder.hidden=[100000000]", "encoder.grid=100000000",
    "data={}", "parameters.rb.low=1e400", ".=1", "a..b=1", "decoder.settings.t_ref=warm",
)  # fmt: skip
ROLES = (
    (), ("--target", "reco"), ("--target", "rec", "--features", "x1"),
    ("--target", "reco", "--features", "x1,x1"), ("--target", "=", "--features", "x1"),
    ("--target", "reco", "--features", ""), ("--target", "reco", "--features", ",,"),
    ("--target", "reco", "--features", "x1", "--forcing", "ta=ta"),
    ("--target", "reco", "--features", "x1", "--decoder", "q11"),
    ("--target", "reco", "--features", "x1", "--decoder", "q10"),
    ("--target", "reco", "--features", "x1", "--groups", "nowhere"),
    ("--target", "reco", "--features", "x1", "--time", "x2"),
    ("--target", "reco", "--features", "x1", "--write", "/dev/null/x.yaml"),
    ("--target", "a\x00b", "--features", "x1"), ("--target", "\udcff", "--features", "x1"),
)  # fmt: skip


def path(rng: random.Random) -> Malformed:
    """A path that is no configuration."""
    chosen = rng.choice(PATHS)
    command = rng.choice(("discover", "check"))
    return Malformed(f"{command} {chosen[:30]!r}", command=(command, chosen), place="")


def change(rng: random.Random) -> Malformed:
    """A change of a setting that cannot be made."""
    chosen = rng.choice(CHANGES)
    command = rng.choice(("discover", "check"))
    return Malformed(
        f"{command} --set {chosen[:40]!r}", command=(command, CONFIG, "--set", chosen),
        place="",
    )  # fmt: skip


def roles(rng: random.Random) -> Malformed:
    """A table whose columns are named wrongly."""
    chosen = rng.choice(ROLES)
    return Malformed(
        f"discover {DATA} {' '.join(chosen)!r}", command=("discover", DATA, *chosen),
        place="",
    )  # fmt: skip


KINDS: tuple[Kind, ...] = (path, change, change, roles)
