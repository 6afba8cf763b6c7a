"""Malformed series of groups: rows, groups, periods and process models with memory."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.reliability.malformed.case import (
    CONFIG,
    DATA,
    PROCESS,
    Kind,
    Malformed,
    with_cell,
    with_column,
)

GROUPS, DAYS = 12, 40
BASE: dict[str, Any] = {
    "data": {"path": DATA, "time": "day", "groups": "site"},
    "features": ["x1"],
    "decoder": f"{PROCESS}:mine",
    "forcings": {"rain": "rain"},
    "targets": {"q": "q"},
    "split": {"kind": "group"},
    "discovery": {"families": ["linear"], "bootstrap": 0},
    "out": "results",
}
HEAD = """\
import math, sys
import torch
from sciren import Parameter, State, process_model
@process_model([Parameter("k", low=0.01, high=0.9, per="group", start=0.3)], ["rain"], ["q"],
               state=[State("store", start=10)], warmup=5)
def mine(s, p, f):
    {body}
"""
BODY = "return {'store': s.store + f.rain - p.k * s.store}, {'q': p.k * s.store}"
BODIES = (
    "return None", "return p.k", "return {'store': s.store}", "return {}, {}",
    "return {'store': s.store}, {'y': s.store}", "return {'stor': s.store}, {'q': s.store}",
    "return {'store': s.storr}, {'q': p.k}", "return {'store': 1 / 0}, {'q': p.k}",
    "return {'store': s.store}, {'q': f.rain}", "return s.store, p.k", "raise KeyError('q')",
    "return {'store': s.store if s.store > 3 else p.k}, {'q': p.k * s.store}",
    "return {'store': math.exp(s.store)}, {'q': p.k}", "sys.exit(0)", "return mine(s, p, f)",
    "return {'store': None}, {'q': p.k}", "return {'store': 'x'}, {'q': p.k}",
    "return {'store': s.store.mean()}, {'q': p.k}", "return {'store': s.store[0]}, {'q': p.k}",
    "return {'store': torch.log(-s.store - 1)}, {'q': p.k * s.store}",
    "s.store -= 1; return {'store': s.store}, {'q': p.k}", "return [{}], [p.k]",
    "return {'store': s.store, 'more': p.k}, {'q': p.k * s.store}", "import nowhere_at_all",
    "return {'store': s.store}, {'q': s.store}, {'more': p.k}", "yield p.k",
    "return {'store': s.store ** 40 * p.k}, {'q': p.k * s.store}", "raise StopIteration",
)  # fmt: skip
SETTINGS: tuple[dict[str, Any], ...] = (
    {"data": {"time": None}}, {"data": {"groups": None}}, {"data": {"groups": "nowhere"}},
    {"data": {"groups": "rain"}}, {"data": {"time": "site"}}, {"data": {"time": "rain"}},
    {"features": ["rain"]}, {"features": []}, {"features": ["q"]},
    {"split": {"kind": "random"}}, {"split": {"kind": "block", "lon": "x1", "lat": "x2"}},
    {"split": {"kind": "time", "train": "1901", "valid": "1902", "test": "1903"}},
    {"split": {"kind": "time", "train": "2001-01-01", "valid": "2001-01-02", "test": "2001-02"}},
    {"split": {"kind": "group", "column": "x1"}}, {"forcings": {"rain": "x3"}},
    {"forcings": {}}, {"forcings": {"rain": "q"}}, {"targets": {"store": "q"}},
    {"parameters": {"k": {"low": 2, "high": 1}}}, {"parameters": {"store": 4}},
    {"parameters": {"k": {"per": "day"}}}, {"parameters": {"k": {"deviation": "cauchy"}}},
    {"train": {"residual": "logg"}}, {"units": {"day": "fortnights"}}, {"categorical": ["x1"]},
    {"discovery": {"symbols": {"k": "\\frac{"}}}, {"discovery": {"symbols": {"kk": "k"}}},
    {"discovery": {"symbols": {"k": "a", "x1": "a"}}}, {"discovery": {"symbols": {"k": "$k$"}}},
    {"discovery": {"symbols": {"k": ""}}}, {"discovery": {"symbols": {"k": 5}}},
    {"discovery": {"symbols": {"k": "a\x00"}}}, {"discovery": {"symbols": ["k"]}},
)  # fmt: skip


def rows() -> pd.DataFrame:
    """Return discharge of reservoirs with k = 0.3 + 0.2 x1, 40 days each."""
    rng = np.random.default_rng(5)
    x1, x2 = rng.uniform(-1, 1, (2, GROUPS))
    rain = rng.gamma(0.5, 8.0, (DAYS, GROUPS))
    store, q = np.full(GROUPS, 10.0), np.empty_like(rain)
    for day in range(DAYS):
        q[day] = (0.3 + 0.2 * x1) * store
        store = store + rain[day] - q[day]
    days = pd.date_range("2001-01-01", periods=DAYS).astype(str)
    return pd.DataFrame(
        {
            "site": np.repeat([f"s{k}" for k in range(GROUPS)], DAYS),
            "day": np.tile(days, GROUPS), "x1": np.repeat(x1, DAYS),
            "x2": np.repeat(x2, DAYS), "rain": rain.T.ravel(),
            "q": (q * (1 + 0.02 * rng.normal(size=q.shape))).T.ravel(),
        }
    )  # fmt: skip


def broken_rows(rng: random.Random) -> Malformed:
    """Series with a row that is missing, double, empty, infinite or of another site."""
    changes = {
        "a row twice": (lambda t: pd.concat([t, t.iloc[[70]]]), DATA),
        "a day missing": (lambda t: t.drop(index=70), DATA),
        "rain missing": (with_cell("rain", 70, np.nan), DATA),
        "rain infinite": (with_cell("rain", 70, np.inf), "rain"),
        "rain of 1e300": (with_cell("rain", 70, 1e300), "rain"),
        "q of 1e15": (with_cell("q", 70, 1e15), "'q'"),
        "q of one value": (with_column("q", 3.0), "q"),
        "q empty": (with_column("q", np.nan), DATA),
        "q as text": (with_cell("q", 70, "much"), "'q'"),
        "x1 changes in a site": (with_cell("x1", 70, 0.5), "x1"),
        "x1 of one value": (with_column("x1", 0.5), "'x1'"),
        "x1 missing": (with_cell("x1", 70, np.nan), "x1"),
        "a site without name": (with_cell("site", 70, None), DATA),
        "a day without date": (with_cell("day", 70, "soon"), "day"),
        "one site": (lambda t: t[t.site == "s1"], DATA),
        "three sites": (lambda t: t[t.site.isin(["s1", "s2", "s3"])], DATA),
        "five days": (lambda t: t[t.day < "2001-01-06"], DATA),
        "no rows": (lambda t: t.iloc[:0], DATA),
        "one day for everybody": (with_column("day", "2001-01-01"), "says when"),
        "nobody observed": (with_column("q", np.nan), DATA),
        "a site of one row": (
            lambda t: t.drop(index=t.index[(t.site == "s1") & (t.day > "2001-01-01")]),
            None,
        ),
        "a site never observed": (with_column("q", _but_one_site), None),
        "a site of zeros": (
            with_column("q", lambda t: _but_one_site(t).fillna(0)),
            "'q' is 0 in every row",
        ),
        "years apart": (with_column("day", _of_their_years), None),
        "a gap of ten years": (with_column("day", _late_in_one_site), "jumps from"),
        "back in time": (lambda t: t.iloc[::-1], None),
    }
    name = rng.choice(list(changes))
    change, place = changes[name]
    return _case(name, change, place=place or DATA, sound=place is None)


def _but_one_site(frame: pd.DataFrame) -> Any:
    return frame["q"].mask(frame["site"] == "s1")


def _of_their_years(frame: pd.DataFrame) -> pd.Series:
    years = 2001 + frame["site"].str[1:].astype(int)
    return years.astype(str) + frame["day"].str[4:]


def _late_in_one_site(frame: pd.DataFrame) -> Any:
    late = (frame["site"] == "s1") & (frame["day"] > "2001-02-01")
    return frame["day"].mask(late, frame["day"].str.replace("2001", "2011"))


def odd_settings(rng: random.Random) -> Malformed:
    """A configuration that series cannot have."""
    chosen = rng.choice(SETTINGS)
    return _case(f"series, {chosen!r:.60}", settings=chosen, place=f"{CONFIG}|{DATA}")


def body(rng: random.Random) -> Malformed:
    """A step that gives no states or no targets, or cannot be run."""
    chosen = rng.choice(BODIES)
    return _case(
        f"step {chosen!r:.60}", content=HEAD.format(body=chosen),
        place=f"{PROCESS}|{DATA}",  # a step that leaves the numbers is told by its row
    )  # fmt: skip


def _case(
    name: str,
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
    settings: dict[str, Any] | None = None,
    content: str = HEAD.format(body=BODY),
    place: str = DATA,
    sound: bool = False,
) -> Malformed:
    def write(folder: Path) -> None:
        (folder / PROCESS).write_text(content, encoding="utf-8")

    return Malformed(
        name, lambda frame: change(rows()), settings or {}, write, place=place, base=BASE,
        sound=sound,
    )  # fmt: skip


KINDS: tuple[Kind, ...] = (broken_rows, odd_settings, body)
