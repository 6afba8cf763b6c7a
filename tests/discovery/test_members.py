"""Members are trained from other seeds, kept, and told apart."""

import pandas as pd

from discovery import Discovery
from discovery.config_file import load_config
from discovery.workflow import run

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
    assert "kept ta in 3, vpd in 3; half " in note
    assert "no identification" in note


def test_one_member_is_no_ensemble(finished):
    found = Discovery.load(finished / "runs" / "light_use")
    assert "members" not in set(found.candidates["stage"])
    assert not any("members" in note for note in found.notes)
    assert isinstance(found.candidates, pd.DataFrame)
