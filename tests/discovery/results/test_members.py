"""Members are trained from other seeds, kept, and told apart."""

import numpy as np
import pandas as pd

from discovery import Discovery
from discovery.config.file import load_config
from discovery.results.members import half_of_blocks, member_shares
from discovery.runs.workflow import run
from sciren import Table

QUICK = (
    "discovery.bootstrap=0",
    "discovery.baselines=false",
    "encoder.hidden=[]",
    "train={profile_points: 5, smooth: 0.001}",
)


def test_members_are_listed_and_summed_up(tmp_path, start_study):
    config = load_config(start_study(tmp_path), [*QUICK, "discovery.members=3"])
    found = Discovery.load(run(config, quiet=True))
    members = found.candidates[found.candidates["stage"] == "members"]
    assert members["seed"].tolist() == [0, 1, 2]
    assert (members["kept"] == "ta, vpd").all()
    assert (members["half"] > 5).all()
    assert (members["r2_gpp"] > 0.9).all()
    note = next(one for one in found.notes if "3 members" in one)
    assert "of half of the blocks, kept ta in 3, vpd in 3; half " in note
    assert "(deviation " in note
    assert "no identification" in note
    assert members["families"].str.contains("ta -> efficiency: ").all()
    shares = member_shares(found.candidates)
    assert set(shares) >= {"ta -> efficiency"}
    assert shares["ta -> efficiency"].startswith("3 of 3: ")
    assert f"ta -> efficiency in {shares['ta -> efficiency']}" in note
    edges = pd.read_csv(found.folder / "edges.csv").set_index("source")
    assert edges.loc["ta", "members"] == shares["ta -> efficiency"]
    assert "3 of 3" in (found.folder / "equations.md").read_text()


def test_a_member_sees_half_of_the_blocks_and_each_block_whole():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=70), "y": 1.0, "site": np.repeat(range(7), 10)}
    )
    table = Table.from_frame(frame, ["a"], (), ["y"], groups="site")
    half = half_of_blocks(table, 3)
    kept = table.groups[half.row_ids]
    assert len(half) == 40
    assert len(np.unique(kept)) == 4
    again = half_of_blocks(table, 3)
    np.testing.assert_array_equal(half.row_ids, again.row_ids)
    others = [half_of_blocks(table, seed).row_ids.tolist() for seed in range(8)]
    assert any(ids != half.row_ids.tolist() for ids in others)
    single = table.take(np.arange(10))
    assert half_of_blocks(single, 0) is single  # one block cannot be halved


def test_one_member_is_no_ensemble(finished):
    found = Discovery.load(finished / "runs" / "light_use")
    assert "members" not in set(found.candidates["stage"])
    assert not any("members" in note for note in found.notes)
    assert isinstance(found.candidates, pd.DataFrame)


def test_shares_of_families_are_counted():
    rows = pd.DataFrame(
        {
            "stage": ["ladder", "members", "members", "members"],
            "families": [
                None,
                "a -> y: exp; b -> y: linear",
                "a -> y: log",
                "a -> y: exp",
            ],
        }
    )
    assert member_shares(rows) == {
        "a -> y": "3 of 3: exp 2, log 1",
        "b -> y": "1 of 3: linear 1",
    }
    assert member_shares(rows.drop(columns="families")) == {}
