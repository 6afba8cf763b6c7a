"""Equation files that older versions wrote go on loading, with the same numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from symbolic import SymbolicModel
from symbolic.families.forms import Variant

STORED = Path(__file__).parent / "stored"
# latents at five points from the lowest to the highest value of every feature, as the
# version that wrote the file gave them
LATENTS = {
    "respiration": {"rb": [4.34313792376682, 3.7714275367662093, 3.199717149765598,
                           2.6280067627649863, 2.0562963757643757]},
    "sine": {"rb": [5.971309541371815, 3.9369240595990767, 6.441084678151744,
                    5.246678415444235, 6.359680154560637]},
    "every_part": {
        "rb": [70.35280717878746, 52.85413992488136, 41.091545243974906,
               63.30763323299431, 543.9192945789232],
        "alpha": [0.0995625831783602, 0.5044774922485922, 0.9034377174171841,
                  0.9884846101810232, 0.998730082310781],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LATENTS)
def test_an_older_file_gives_the_numbers_it_gave(name):
    model = SymbolicModel.load(STORED / f"{name}.json")
    units = model.units
    frame = {
        feature: np.linspace(units.low[i], units.high[i], 5)
        for i, feature in enumerate(units.names)
    }
    latents = model.latents(frame)
    for latent, values in LATENTS[name].items():
        np.testing.assert_allclose(latents[latent], values, rtol=1e-12)
    z = np.stack([frame[n] for n in units.names], axis=1)
    z = (z - units.shift) / units.scale
    raw = model.unconstrained_values(frame)
    for structure in model.structures:
        np.testing.assert_allclose(structure.value(z), raw[structure.name], rtol=1e-9)


def test_variants_that_were_texts_are_read():
    model = SymbolicModel.load(STORED / "every_part.json")
    variants = {edge.form.variant for structure in model.structures
                for edge in structure.all_edges if edge.form is not None}  # fmt: skip
    assert {Variant(about=0.5), Variant("+"), Variant(raw=(4.5, 0.25))} <= variants


@pytest.mark.parametrize("name", LATENTS)
def test_an_older_file_is_written_anew_without_loss(name, tmp_path):
    model = SymbolicModel.load(STORED / f"{name}.json")
    again = SymbolicModel.load(model.save(tmp_path / "again.json"))
    for structure, other in zip(model.structures, again.structures, strict=True):
        z = np.random.default_rng(0).uniform(-1, 1, (20, len(model.units.names)))
        np.testing.assert_array_equal(structure.value(z), other.value(z))
    assert again.equations == model.equations


@pytest.mark.parametrize("name", LATENTS)
def test_an_older_file_keeps_all_that_it_says_about_its_fit(name):
    stored = json.loads((STORED / f"{name}.json").read_text())["settings"]
    model = SymbolicModel.load(STORED / f"{name}.json")
    again = json.loads(json.dumps(model.settings))
    assert model.record.options.shapes == stored.get("shapes", {})
    for attempt in [*again["compositions"], *stored.get("compositions", ())]:
        del attempt["chosen"]  # whose decision it was is told by the options now
    assert {key: again[key] for key in stored} == stored
    rows = zip(again.get("candidates", ()), stored.get("candidates", ()), strict=True)
    assert all(repr(row) == repr(before) for row, before in rows)
