"""The estimator in pipelines and searches, with weights, gaps, files and figures."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from discovery.estimator import ScIReNRegressor
from sciren import Parameter, process_model
from sciren.errors import ColumnError, ConfigError, DataError, DataWarning, FormatError

QUICK = {
    "hidden": (),
    "random_state": 0,
    "bootstrap": 0,
    "families": ["linear"],
    "train": {"smooth": 0.001, "profile_points": 9},
}
Q10 = QUICK | {"decoder": "q10", "forcings": {"ta": "air"}}


@pytest.fixture(scope="module")
def data():
    """Respiration with rb = 2 + moisture and q10 = 1.8."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"moisture": rng.uniform(-1, 1, 200), "air": rng.uniform(-5, 25, 200)}
    )
    clean = (2 + frame.moisture) * 1.8 ** ((frame.air - 15) / 10)
    return frame, clean * (1 + 0.02 * rng.normal(size=200))


@pytest.fixture(scope="module")
def fitted(data):
    return ScIReNRegressor(**Q10).fit(*data)


@pytest.fixture(scope="module")
def found(fitted):
    """The same with its equations."""
    assert fitted.discovery_.equations is not None
    return fitted


# -- forcings, weights, gaps ----------------------------------------------------------
@pytest.mark.parametrize("form", ["array", "mapping", "table"])
def test_forcings_beside_x_mean_the_same_as_in_it(data, fitted, form):
    frame, reco = data
    air = frame.air.to_numpy()
    given = {"array": air, "mapping": {"ta": air}, "table": pd.DataFrame({"ta": air})}
    model = ScIReNRegressor(**QUICK, decoder="q10")
    model.fit(frame[["moisture"]], reco, forcings=given[form])
    expected = fitted.predict(frame)
    predicted = model.predict(frame[["moisture"]], forcings=given[form])
    np.testing.assert_array_equal(predicted, expected)
    with pytest.raises(ConfigError, match="given beside X at fit; give it here too"):
        model.predict(frame[["moisture"]])


def test_forcings_that_do_not_fit_are_refused(data):
    frame, reco = data
    model = ScIReNRegressor(**QUICK, decoder="q10")
    for forcings, message in (
        ({"tb": frame.air}, "knows no 'tb'. Closest names: ta"),
        (frame.air[:-1], "has 199 rows, X has 200"),
        (frame, "knows no 'moisture'"),
        (frame.to_numpy(), "reads ta: give one column each"),
    ):
        with pytest.raises(ConfigError, match=message):
            model.fit(frame[["moisture"]], reco, forcings=forcings)


def test_a_pipeline_without_names_is_told_what_to_do(data):
    frame, reco = data
    pipe = make_pipeline(StandardScaler(), ScIReNRegressor(**QUICK, decoder="q10"))
    with pytest.raises(ColumnError, match=r'set_output\(transform="pandas"\)'):
        pipe.fit(frame, reco)
    x = frame[["moisture"]]
    pipe.fit(x, reco, scirenregressor__forcings=frame.air.to_numpy())
    assert pipe.predict(x, forcings=frame.air.to_numpy()).shape == (200,)


def test_a_pipeline_that_keeps_names_finds_the_forcing(data, fitted):
    frame, reco = data
    scale = make_column_transformer(
        (StandardScaler(), ["moisture"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    pipe = make_pipeline(scale, ScIReNRegressor(**Q10)).fit(frame, reco)
    np.testing.assert_allclose(pipe.predict(frame), fitted.predict(frame), rtol=1e-3)


def test_a_row_of_weight_zero_is_not_there(data):
    frame, reco = data
    keep = np.arange(len(frame)) % 4 > 0
    spoilt = reco.where(keep, 99.0)
    weighted = ScIReNRegressor(**Q10).fit(frame, spoilt, sample_weight=keep * 1.0)
    fewer = ScIReNRegressor(**Q10).fit(frame[keep], reco[keep])
    np.testing.assert_allclose(
        weighted.predict(frame[keep]), fewer.predict(frame[keep]), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "1D array"),
        (np.full(200, -1.0), "weights are not negative"),
        (np.zeros(200), "all sample weights are zero"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(data, weights, message):
    with pytest.raises(DataError, match=message):
        ScIReNRegressor(**Q10).fit(*data, sample_weight=weights)


def test_gaps_are_left_out_where_that_is_asked_for(data):
    frame, reco = data
    gaps = frame.copy()
    gaps.loc[3, "moisture"] = gaps.loc[7, "air"] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        ScIReNRegressor(**Q10).fit(gaps, reco)
    model = ScIReNRegressor(**Q10, missing="drop").fit(gaps, reco)
    assert model.constants_["q10"] == pytest.approx(1.8, abs=0.03)
    assert np.flatnonzero(np.isnan(model.predict(gaps))).tolist() == [3, 7]
    assert np.flatnonzero(model.latents(gaps)["rb"].isna()).tolist() == [3]
    assert model.score(gaps, reco) > 0.98
    with pytest.raises(ConfigError, match="use 'error' or 'drop'"):
        ScIReNRegressor(**Q10, missing="fill").fit(frame, reco)


def test_rows_beyond_the_training_are_told(data, fitted):
    hot = data[0].assign(air=60.0)
    with pytest.warns(DataWarning, match="'air': 100.0% of the rows are outside"):
        fitted.predict(hot)


# -- searches and further fits ----------------------------------------------------------
@pytest.mark.filterwarnings("ignore::sciren.errors.DataWarning")
def test_a_search_over_settings_finds_the_better_one(data):
    frame, reco = data
    frame = frame.assign(noise=np.random.default_rng(1).normal(size=len(frame)))
    grid = {"features": [["noise"], ["moisture"]]}
    search = GridSearchCV(ScIReNRegressor(**Q10), grid, cv=2, error_score="raise")
    assert search.fit(frame, reco).best_params_ == {"features": ["moisture"]}


def test_a_warm_start_goes_on_from_the_last_fit(data):
    frame, reco = data
    train = {"engine": "first-order", "epochs": 1, "profiles": False, "select": False}
    settings = Q10 | {"train": train}
    cold = ScIReNRegressor(**settings).fit(frame, reco)
    warm = ScIReNRegressor(**settings, warm_start=True)
    for _ in range(4):
        warm.fit(frame, reco)
    assert warm.score(frame, reco) > cold.score(frame, reco)
    warm.fit(frame.assign(litter=frame.air**2), reco)  # another X: from the beginning
    assert warm.model_.encoder.n_inputs == 2


# -- results ------------------------------------------------------------------------------
def test_the_summary_has_ten_lines_and_no_tables(found):
    lines = found.summary().splitlines()
    assert len(lines) <= 10
    assert lines[0].startswith("verdict: ")
    assert any(line.startswith("rb = ") for line in lines)
    assert repr(found.discovery_) == found.summary()
    assert found.discovery_._repr_html_().startswith("<pre>verdict: ")


@pytest.mark.parametrize("way", ["pickle", "joblib", "copy"])
def test_it_travels_with_its_equations(found, data, tmp_path, way):
    if way == "pickle":
        other = pickle.loads(pickle.dumps(found))
    elif way == "copy":
        other = copy.deepcopy(found)
    else:
        joblib.dump(found, tmp_path / "model.joblib")
        other = joblib.load(tmp_path / "model.joblib")
    assert other.sympy() == found.sympy()
    np.testing.assert_array_equal(
        other.predict(data[0], "equations"), found.predict(data[0], "equations")
    )


def test_what_is_saved_comes_back_without_code(found, data, tmp_path):
    place = found.save(tmp_path / "model")
    again = ScIReNRegressor.load(place)
    assert again.get_params()["families"] == ["linear"]
    np.testing.assert_array_equal(again.predict(data[0]), found.predict(data[0]))
    with pytest.raises(ConfigError, match="a saved estimator is there already"):
        found.save(place)
    found.save(place, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no saved estimator of sciren"):
        found.save(tmp_path / "mine", overwrite=True)
    (place / "estimator.json").write_text("{}")
    with pytest.raises(DataError, match=r"not as ScIReNRegressor\.save writes"):
        ScIReNRegressor.load(place)


def test_plain_regression_comes_back(data, tmp_path):
    rows, reco = data[0].iloc[:60], data[1].iloc[:60]
    train = {"epochs": 1, "profiles": False}
    plain = ScIReNRegressor(hidden=(), train=train).fit(rows, reco)
    again = ScIReNRegressor.load(plain.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(rows), plain.predict(rows))


@pytest.mark.slow
def test_equations_of_what_was_saved_are_the_same(found, tmp_path):
    again = ScIReNRegressor.load(found.save(tmp_path / "model"))
    assert again.sympy() == found.sympy()
    assert str(again.verdict_) == str(found.verdict_)


def test_a_process_model_of_ones_own_is_given_to_load(data, tmp_path):
    @process_model([Parameter("rb", low=0)], ["air"], ["reco"])
    def doubling(p, f):
        return p.rb * 1.8 ** ((f.air - 15) / 10)

    frame, reco = data
    model = ScIReNRegressor(**QUICK, decoder=doubling).fit(frame, reco)
    place = model.save(tmp_path / "model")
    with pytest.raises(FormatError, match="pass decoder="):
        ScIReNRegressor.load(place)
    again = ScIReNRegressor.load(place, decoder=doubling)
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))


@pytest.mark.slow
def test_another_candidate_is_taken_without_training(found):
    other = copy.deepcopy(found)
    network = {name: p.clone() for name, p in other.model_.named_parameters()}
    other.choose(0)
    rows = other.discovery_.equations.candidate_rows
    assert [bool(row["selected"]) for row in rows] == [k == 0 for k in range(len(rows))]
    for name, parameter in other.model_.named_parameters():
        assert (parameter == network[name]).all()
    with pytest.raises(ConfigError):
        other.choose("simplest")


def test_a_candidate_that_is_not_there_leaves_all_as_it_is(found):
    equations = found.discovery_.equations
    row = len(equations.candidates)
    with pytest.raises(ConfigError, match=rf"choose\({row}\): there are candidates"):
        found.choose(row)
    assert found.discovery_.equations is equations


@pytest.mark.parametrize("interval", [None, 0.9])
def test_classes_that_training_had_not_are_told_by_their_names(interval):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.uniform(0, 5, 120), "veg": rng.choice(["ENF", "DBF", "CRO"], 120)}
    )
    y = frame["x"] + (frame["veg"] == "CRO") + 0.1 * rng.normal(size=120)
    model = ScIReNRegressor(compose=0, bootstrap=0, random_state=0, hidden=()).fit(
        frame, y
    )
    new = frame.head(4).assign(veg=["ENF", "ice", "DBF", "CRO"])
    with pytest.warns(DataWarning, match=r"'veg': 25.0% .* had not \('ice'\)"):
        model.predict(new, interval=interval)
    words = frame.to_numpy(dtype=object)
    model.set_params(categorical=[1]).fit(words, y)
    with pytest.warns(DataWarning, match=r"'x1': 25.0% .* \('ice'\)"):
        model.predict(new.to_numpy(dtype=object), interval=interval)


def test_every_figure_is_returned(found):
    for plot in ("graph", "edges", "profiles", "observed", "history"):
        assert isinstance(getattr(found, f"plot_{plot}")(), Figure)
    with pytest.raises(ConfigError, match="the targets are reco"):
        found.plot_observed("nee")


def test_the_same_table_gives_the_same_model_whatever_the_seed(data):
    frame, y = data
    first, again, other, drawn = (
        ScIReNRegressor(**Q10 | seeds).fit(frame, y)
        for seeds in (
            {"random_state": None}, {"random_state": None}, {"random_state": 1},
            {"split_seed": 1},
        )
    )  # fmt: skip
    at = [model.predict(frame) for model in (first, again, other, drawn)]
    np.testing.assert_array_equal(at[0], at[1])
    np.testing.assert_array_equal(at[0], at[2])  # a seed draws no validation rows
    assert first.constants_ == other.constants_
    assert (at[0] != at[3]).any()


# -- outcomes ------------------------------------------------------------------------
@pytest.mark.slow
def test_outcomes_behind_a_logit_have_the_numbers_of_logistic_regression():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"dose": rng.normal(size=500)})
    y = (rng.random(500) < 1 / (1 + np.exp(2 - 2 * frame.dose))).astype(float)
    model = ScIReNRegressor(decoder="logit_link", **QUICK | {"train": {}}).fit(frame, y)
    # Newton's steps of the likelihood, on the same rows
    x, y = model._train.features.numpy()[:, 0], model._train.targets.numpy()[:, 0]
    design, theta = np.column_stack([np.ones_like(x), x]), np.zeros(2)
    for _ in range(20):
        share = 1 / (1 + np.exp(-design @ theta))
        information = design.T * (share * (1 - share)) @ design
        theta = theta + np.linalg.solve(information, design.T @ (y - share))
    expression = model.equations_["expression"].iloc[0]
    dose = next(iter(expression.free_symbols))
    slope = float(expression.coeff(dose))
    # a twentieth of its error: weights follow the share of the pass before
    error = np.sqrt(np.linalg.inv(information)[1, 1])
    assert slope == pytest.approx(theta[1], abs=0.05 * error)


def test_targets_that_the_process_cannot_produce_are_refused_before_training(data):
    frame, y = data
    with pytest.raises(DataError, match=r"gives 'y' from 0 to 1 .* its unit$"):
        ScIReNRegressor(decoder="logit_link", **QUICK).fit(frame, 5 + y)
