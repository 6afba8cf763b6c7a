"""The numbers at which a verdict turns stand where they are stated, on both sides."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from discovery.verdict.edge_limit import most_edges
from discovery.verdict.evidence import pooled
from discovery.verdict.faithful import consistency_reasons, faithful_reasons
from discovery.verdict.identified import on_bounds
from discovery.verdict.placebos.controls import WrongProcess
from discovery.verdict.placebos.surrogates import shifted
from sciren import LinearEncoder, Q10Respiration, ScIReN, Table
from sciren.decoders import CLM5SoilCarbon
from sciren.inference.observed import ObservedProcess
from sciren.inference.skill.missing import MissingPart
from symbolic.verdict import Check, Verification


def respiration(rows=100):
    """An untrained model of respiration, and a table of it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((rows, 3)), columns=["a", "ta", "reco"])
    table = Table.from_frame(
        frame.assign(reco=1 + frame.reco**2), ["a"], ["ta"], ["reco"]
    )
    return ScIReN(LinearEncoder(1, 1), "auto", Q10Respiration()), table


@pytest.mark.parametrize(("number", "same"), [(0.9999, True), (0.7, False)])
def test_equations_are_called_the_network_only_where_they_are(number, same):
    close = Check("close to network", "R2 against the network", number, 0.999, True)
    (reason,) = consistency_reasons(Verification((close,), {}))
    assert ("are the network" in reason.text()) is same
    assert ("no worse than the network" in reason.text()) is not same


@pytest.mark.parametrize(("rows", "told"), [(3, False), (8, True)])
def test_a_latent_on_its_bound_in_five_percent_of_the_rows_is_told(rows, told):
    process = ObservedProcess.of(*respiration())
    raw = np.full((100, 1), 2.0)
    raw[:rows] = -1.0  # below the bound at zero
    fit = SimpleNamespace(
        raw=lambda theta: raw, theta=np.array([np.log(1.5)]), cuts=np.array([0])
    )
    evidence: Any = SimpleNamespace(process=process, fit=fit)
    assert [reason.subject for reason in on_bounds(evidence)] == ["rb"] * told


@dataclass(frozen=True)
class Equations:
    """Equations whose latent is a share off that of the network."""

    verification: Verification
    shares: float
    model: ScIReN
    table: Table
    latent_names = ("rb",)

    def latents(self, columns):
        theirs = self.model.latents(self.table).detach().numpy()[:, 0]
        return {"rb": pd.Series(theirs * (1 + self.shares))}


@pytest.mark.parametrize(("off", "told"), [(0.05, False), (0.3, True)])
def test_a_negative_r2_counts_where_a_tenth_of_the_latent_is_missing(off, told):
    model, table = respiration()
    with torch.no_grad():
        verification = Verification((), {"rb": -0.5})
        said: Any = Equations(verification, off, model, table)
        reasons = faithful_reasons(said, model, table)
    assert any(not reason.holds for reason in reasons) == told


@pytest.mark.parametrize(
    ("worse", "p", "seen"), [(0.02, 0.5, False), (0.1, 0.5, True), (0.02, 0.01, True)]
)
def test_a_wrong_process_is_seen_by_its_fit_or_by_what_it_misses(worse, p, seen):
    def skill(r2, p) -> Any:
        return SimpleNamespace(r2=r2, missing=MissingPart(p, 0.0, 0.0, "trees", 20))

    assert WrongProcess.of("x", skill(0.7 - worse, p), skill(0.7, 0.5)).seen == seen


@pytest.mark.parametrize(("rows", "kept"), [(10_000, 10_000), (25_000, 8334)])
def test_a_verdict_asks_ten_thousand_rows_spread_over_the_record(rows, kept):
    time = pd.DataFrame({"a": np.arange(rows), "y": np.arange(rows)})
    asked = pooled({"train": Table.from_frame(time, ["a"], [], ["y"])}).targets[:, 0]
    assert len(asked) == kept
    assert set(np.diff(asked.numpy())) == {-(-rows // kept)}


def test_a_placebo_is_shifted_by_a_tenth_of_the_record_at_least():
    x, rng = np.arange(100.0)[:, None], np.random.default_rng(0)
    moved = [int(-shifted(x, rng)[0, 0]) % 100 for _ in range(400)]
    assert 10 <= min(moved) <= 13
    assert 87 <= max(moved) <= 90


def test_an_expensive_process_is_asked_about_twenty_edges():
    cheap, _ = respiration(10)
    dear: Any = SimpleNamespace(decoder=CLM5SoilCarbon)
    assert most_edges(cheap) == 100
    assert most_edges(dear) == 20
