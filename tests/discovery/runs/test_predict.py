"""predict: one row for each row, latents without forcings, no foreign code."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from discovery import Discovery
from discovery.runs.manifest import edits_accepted
from discovery.runs.predict_file import predict
from sciren.errors import ColumnError, ConfigError, DataError, DataWarning, DecoderError

pytestmark = pytest.mark.filterwarnings("default::sciren.errors.DataWarning")


@pytest.fixture
def new(tmp_path):
    """A file with gaps: row 1 lacks a feature, row 2 the forcing."""
    frame = pd.DataFrame(
        {"ta": [5.0, np.nan, 7.0, 8.0], "vpd": 9.0, "par": [4.0, 4.0, np.nan, 6.0]}
    )
    path = tmp_path / "new.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("using", ["equations", "network"])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_one_row_for_each_row_with_latents_where_forcings_are_missing(
    light, new, tmp_path, using, ending
):
    out = tmp_path / "deep" / f"out.{ending}"
    said = predict(light, new, out, using=using)
    names = ["gpp", "efficiency"]
    kinds = ("gpp", "gpp_mean", "efficiency")
    limits = [f"{kind}_{end}" for kind in kinds for end in ("low", "high")]
    listed = [*names, *limits, "outside"]
    assert said.startswith(f"wrote {out}: 4 rows, {', '.join(listed)}, by {using}")
    found = pd.read_parquet(out) if ending == "parquet" else pd.read_csv(out)
    assert list(found.columns) == listed
    for limit in limits:
        name = limit.partition("_")[0]
        assert found[limit].isna().tolist() == found[name].isna().tolist()
    assert found["efficiency"].isna().tolist() == [False, True, False, False]
    assert found["gpp"].isna().tolist() == [False, True, True, False]
    truth = 1 + 0.05 * 5 - 0.02 * 9
    assert found["efficiency"][0] == pytest.approx(truth, rel=0.02)
    assert found["gpp"][0] == pytest.approx(truth * 4 / (1 + 4 / 6), rel=0.02)


@pytest.mark.parametrize("using", ["equations", "network"])
def test_rows_of_which_none_is_whole_are_all_empty(light, using):
    frame = pd.DataFrame({"ta": [np.nan], "vpd": 9.0, "par": 4.0})
    for rows in (frame, frame.iloc[:0]):
        result = Discovery.load(light).predict(rows, using, interval=0.95)
        assert result.drop(columns="outside").isna().all(axis=None)
        assert len(result) == len(rows)


def test_equations_and_network_agree_on_the_training_data(finished):
    found = Discovery.load(finished / "runs" / "light_use")
    frame = pd.read_csv(finished / "data.csv", index_col=None)
    frame.index = frame.index + 7
    both = [found.predict(frame, using) for using in ("equations", "network")]
    assert both[0].index.equals(frame.index)
    np.testing.assert_allclose(both[0], both[1], rtol=0.05, atol=0.02)
    with pytest.raises(ConfigError, match="using='magic' does not exist"):
        found.predict(frame, "magic")


def test_without_the_forcing_column_there_are_latents_and_a_warning(light, new):
    frame = pd.read_csv(new).drop(columns="par").rename(columns={})
    found = Discovery.load(light)
    with pytest.warns(DataWarning, match="no column 'par' for the process model"):
        result = found.predict(frame)
    assert result["gpp"].isna().all()
    assert result["efficiency"].notna().sum() == 3


def test_rows_beyond_the_training_data_are_said(light, new, tmp_path):
    frame = pd.read_csv(new).assign(vpd=[1.0, 2.0, 99.0, 4.0])
    with pytest.warns(DataWarning, match="'vpd': 25.0% of the rows are outside"):
        Discovery.load(light).predict(frame)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda f: f.drop(columns="vpd"), ColumnError, "new.csv: .*'vpd'.*: vpd_1"),
        (lambda f: f.assign(ta="x"), DataError, "new.csv: column 'ta' holds text in"),
        (lambda f: f.assign(ta=np.inf), DataError, "new.csv: column 'ta' is infinite"),
    ],
)
def test_columns_that_cannot_be_used_are_named(
    light, new, tmp_path, change, kind, message
):
    change(pd.read_csv(new).assign(vpd_1=1.0)).to_csv(new, index=False)
    with pytest.raises(kind, match=message):
        predict(light, new, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_the_file_of_results_is_checked_first(light, new, tmp_path):
    with pytest.raises(ConfigError, match=r"out.xls: unknown kind of file"):
        predict(light, new, tmp_path / "out.xls")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        predict(light, new, tmp_path / "folder.csv")
    out = tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        predict(light, new, out)
    with pytest.raises(
        ConfigError, match=r"out.csv is no folder; choose another place"
    ):
        predict(light, new, out / "more.csv")
    with pytest.raises(ConfigError, match="holds the rows that are predicted for"):
        predict(light, new, new, overwrite=True)
    assert out.read_text() == "mine"
    predict(light, new, out, overwrite=True)
    assert len(pd.read_csv(out)) == 4


@pytest.mark.parametrize("how", ["inside", "relative"])
def test_code_that_comes_with_a_run_is_never_executed(light, new, tmp_path, how):
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w')\n"
    settings = (light / "config.yaml").read_text()
    line = next(line for line in settings.splitlines() if ".py:light_use" in line)
    if how == "inside":
        (light / "my_process.py").write_text(code)
        name = f"{light}/my_process.py:light_use"
    else:
        (light.parent / "my_process.py").write_text(code)
        name = "../my_process.py:light_use"
    (light / "config.yaml").write_text(settings.replace(line, f"  name: {name}"))
    message = "never run" if how == "inside" else "is no full path"
    with edits_accepted():
        with pytest.raises(DecoderError, match=message):
            predict(light, new, tmp_path / "out.csv", using="network")
        predict(light, new, tmp_path / "out.csv", using="equations")
    assert not trap.exists()


def test_equations_need_neither_network_nor_process_model(light, new, tmp_path):
    (light / "model.safetensors").unlink()
    settings = (light / "config.yaml").read_text()
    (light / "config.yaml").write_text(settings.replace("my_process.py", "gone.py"))
    with edits_accepted():
        predict(light, new, tmp_path / "out.csv")
        with pytest.raises(DecoderError, match=r"gone.py: no such file"):
            predict(light, new, tmp_path / "other.csv", using="network")


def test_a_failed_verification_is_said_again(light, new, tmp_path):
    text = (light / "equations.json").read_text()
    (light / "equations.json").write_text(
        text.replace('"passed": true', '"passed": false')
    )
    failed = pytest.warns(DataWarning, match="verification of these equations FAILED")
    with edits_accepted(), failed:
        predict(light, new, tmp_path / "out.csv")


def test_a_folder_that_is_no_run_is_refused(tmp_path, new):
    with pytest.raises(DataError, match="no such run folder"):
        predict(tmp_path / "none", new, tmp_path / "out.csv")
    shutil.rmtree(tmp_path / "none", ignore_errors=True)


def test_new_rows_are_read_as_the_training_table_was_or_as_a_plain_one(light, tmp_path):
    settings = yaml.safe_load((light / "config.yaml").read_text())
    settings["data"] |= {"separator": ";", "decimal": ",", "missing": [-9999]}
    (light / "config.yaml").write_text(yaml.safe_dump(settings))
    rows = {"ta": [5.5, -9999, 7.5], "vpd": [9.5, 8.5, 7.5], "par": [4.5, 5.5, 6.5]}
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "same.csv", sep=";", decimal=",", index=False)
    frame.to_csv(tmp_path / "plain.csv", index=False)
    found = []
    with edits_accepted():
        for name in ("same", "plain"):
            predict(light, tmp_path / f"{name}.csv", tmp_path / f"{name}.out.csv")
            found.append(pd.read_csv(tmp_path / f"{name}.out.csv"))
    assert found[0].equals(found[1])
    assert found[0]["efficiency"].isna().tolist() == [False, True, False]


def test_an_undeclared_gap_marker_is_refused_until_a_key_says_what_it_is(
    light, tmp_path
):
    rows = {"ta": [5.5, -9999, 7.5], "vpd": [9.5, 8.5, 7.5], "par": [4.5, 5.5, 6.5]}
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    with pytest.raises(DataError, match="'ta' is -9999 in 1 of 3 rows, far from"):
        predict(light, tmp_path / "new.csv", out)
    assert not out.exists()
    for key, gaps in (("missing", [1]), ("not_missing", [])):
        predict(
            light,
            tmp_path / "new.csv",
            out,
            "equations",
            True,
            None,
            (),
            [f"data.{key}=-9999"],
        )
        assert np.flatnonzero(pd.read_csv(out)["efficiency"].isna()).tolist() == gaps


def test_keys_say_how_a_file_is_written_and_nothing_else(light, tmp_path):
    rows = {"ta": [5.5, 6.5, 7.5], "vpd": [9.5, 8.5, 7.5], "par": [4.5, 5.5, 6.5]}
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False, sep=";", decimal=",")
    given = light, tmp_path / "new.csv", tmp_path / "out.csv"
    with pytest.raises(
        DataError, match=r'separator: ";".* \(here --set data.KEY=VALUE\)'
    ):
        predict(*given)
    with pytest.raises(ConfigError, match=r"keys that say how.*data\.separator"):
        predict(*given, reading=["data.seperator=;"])
    with pytest.raises(ConfigError, match="'separator' is ';;'"):
        predict(*given, reading=["data.separator=;;"])
    assert "3 rows" in predict(*given, reading=["data.separator=;", "data.decimal=,"])
