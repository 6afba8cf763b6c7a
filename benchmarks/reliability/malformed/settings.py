"""Malformed configurations: odd values of every key, periods, bounds, broken YAML."""

import random
from typing import Any

from benchmarks.reliability.malformed.case import (
    CONFIG,
    DATA,
    SETTINGS,
    Kind,
    Malformed,
)
from discovery.config.settings import RunConfig
from sciren.training.config import TrainConfig
from symbolic.options import SymbolicOptions

VALUES: tuple[Any, ...] = (
    -1, 10**9, 10**30, 1e300, -1e300, float("nan"), float("inf"), "quantum", "", "a\x00b",
    "~no-such-user/x", "\u200b", [], {}, [[]], {"a": {"b": 1}}, "x" * 3000, True, [None],
    ["x1"] * 3,
)  # fmt: skip
PHYSICAL = {
    "decoder": [{"name": "q10", "settings": {"t_ref": v}}
                for v in ("warm", 1e30, -400, float("nan"), None, [15], True, "", {})],
    "encoder": [{"margin": 1e300}, {"grid": 100_000_000}, {"hidden": [100_000_000]},
                {"hidden": [0]}, {"hidden": [-2]}, {"hidden": "deep"}, {"grid": [3, 4, 5, 6]},
                {"grid": 0}, {"kind": "mlp", "hidden": None, "depth": 10**6}],
    "train": [{"device": "quantum"}, {"device": "cuda:99"}, {"epochs": 0}, {"epochs": 10**12},
              {"smooth": -1}, {"offset": 0}, {"batch_size": -3}, {"learning_rate": 1e300},
              {"seed": -1}, {"starts": 10**9}, {"loss_width": float("inf")},
              {"profile_range": {"q10": [3, 1]}}, {"precision": "float16"}],
    "discovery": [{"families": ["linar"]}, {"families": []}, {"bootstrap": -1},
                  {"bootstrap": 10**9}, {"members": 0}, {"pins": {"x1": "banana"}},
                  {"threshold": float("nan")}, {"level": 7}],
    "parameters": [{"rb": {"low": 5, "high": 1}}, {"rb": {"high": float("nan")}}, {"rd": 3},
                   {"q10": {"start": 1e300, "high": 2}}, {"rb": "latentt"}, {"q10": -5},
                   {"rb": {"low": "zero"}}, {"rb": []}],
    "split": [{"kind": "time", "train": "2019", "valid": "2020", "test": "2021"},
              {"kind": "time", "train": "2013", "valid": "2013-02", "test": "2013-03"},
              {"kind": "time", "train": "x", "valid": "y", "test": "z"},
              {"kind": "time", "train": ["2013-04", "2013-01"], "valid": "2013-05",
               "test": "2013-06"},
              {"kind": "random", "fractions": [0.5, 0.5]}, {"kind": "randm"},
              {"kind": "random", "fractions": [0.999998, 1e-6, 1e-6]},
              {"kind": "group", "column": "nowhere"}, {"kind": "column", "column": "site"},
              {"kind": "block", "lon": "x1", "lat": "reco", "degrees": -1},
              {"kind": "block", "lon": "x1", "lat": "reco", "test": 9}],
    "targets": [{"reco": "rec"}, {"rec": "reco"}, {}, [], "reco", {"reco": ["reco"]}],
    "forcings": [{"ta": "tb"}, {"tb": "ta"}, {}, {"ta": 5}],
    "data": [{"path": "nowhere.csv"}, {"path": "."}, {"path": "/dev/zero"}, {"path": "a\x00b"},
             {"path": "~no-such-user/x.csv"}, {"time": "when"}, {"rows": "__import__('os')"},
             {"rows": "x1 >"}, {"rows": "x1 > 99"}, {"rows": "(" * 5000}, {"encoding": "klingon"},
             {"separator": "::"}, {"decimal": "x1"}, {"header": -1}, {"header": 10**9},
             {"missing": [{}]}, {"only": {"site": "nowhere"}}, {"timezone": "Mars"}],
}  # fmt: skip
TEXTS = (
    "[" * 5000, "{" * 5000, "data: !!bool maybe", "data: !!int x", "data: [*b]", "a: &a [*a]",
    "\x00", "- " * 3000, "!!python/object:os.system {}", "data: {path: data.csv", "\t- x", "",
    "# nothing", "features", "3", "data: 1\ndata: 2", "? [a]\n: b", "a: 'open", "\ud800",
    "data: {path: data.csv}\nfeatures: [x1]\ntargets: {reco: \ud800}", "%YAML 9.9\n---\na: 1",
    "a: " + "&a [" * 40, "x: " + "a" * 2_000_000,
)  # fmt: skip


def any_key(rng: random.Random) -> Malformed:
    """Put an odd value in the place of any key; many are refused, some are sound."""
    known = {
        "": RunConfig, "train": TrainConfig, "discovery": SymbolicOptions,
        "encoder": ("hidden", "grid", "base", "outside", "margin", "start", "shared"),
        "data": ("path", "time", "rows", "groups", "weights", "header", "missing", "ids"),
    }  # fmt: skip
    group = rng.choice(list(known))
    holder: Any = known[group]
    key = rng.choice(list(getattr(holder, "model_fields", holder)))
    value = rng.choice(VALUES)
    changes = (
        {group: {**SETTINGS.get(group, {}), key: value}} if group else {key: value}
    )
    return Malformed(
        f"{group}.{key}: {value!r:.40}", settings=changes, place="", sound=None
    )


def physical(rng: random.Random) -> Malformed:
    """A value outside of what its key can mean."""
    key = rng.choice(list(PHYSICAL))
    value = rng.choice(PHYSICAL[key])
    place = "" if key in ("data", "decoder") else f"{CONFIG}|{DATA}"
    return Malformed(f"{key}: {value!r:.60}", settings={key: value}, place=place)


def text(rng: random.Random) -> Malformed:
    """A configuration that is no YAML, or no mapping."""
    content = rng.choice(TEXTS).encode("utf-8", "surrogatepass")
    return Malformed(
        f"configuration {content[:30]!r}",
        files=lambda folder: (folder / CONFIG).write_bytes(content), place=CONFIG,
    )  # fmt: skip


def lost_key(rng: random.Random) -> Malformed:
    """A key that is misspelt, or missing."""
    key = rng.choice(("data", "features", "targets", "forcings"))
    wrong = key[:-2] + key[-1]
    return Malformed(
        f"{wrong} for {key}",
        settings={wrong: SETTINGS[key], key: None}, place=CONFIG,
    )  # fmt: skip


KINDS: tuple[Kind, ...] = (any_key, any_key, physical, physical, text, lost_key)
