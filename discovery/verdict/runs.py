"""Verdict and controls of a finished run, computed again from what its folder holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from discovery.config.settings import AutoSplit
from discovery.runs.files import json_text, read_record
from discovery.runs.folder import check_writable, open_run
from discovery.runs.manifest import alterations, edits_accepted, write_owned
from discovery.runs.stored import load_discovery, stored_decoder, stored_model
from discovery.runs.workflow import progress_of
from discovery.tables.records import PARTS
from discovery.tables.study import SeriesStudy
from discovery.verdict.differences import CLOSE
from discovery.verdict.placebos.controls import CONTROLS, Controls, run_controls
from discovery.verdict.record import Verdict
from sciren.errors import DataError

if TYPE_CHECKING:
    from discovery.results.record import DiscoveryRecord
    from discovery.tables.study import Study
    from sciren.data import Table
    from sciren.model import ScIReN


@dataclass(frozen=True)
class Reverified:
    """What a run says of itself, and what its equations and data say now.

    Attributes:
        stored, verdict: verdict in the folder, and as it is now.
        lines: one a number that was compared.
        same: whether everything agrees.
        same_data: whether the data are those of the run.
    """

    stored: Verdict
    verdict: Verdict
    lines: tuple[str, ...]
    same: bool
    same_data: bool

    def text(self) -> str:
        """Return the verdict, its reasons, and what was compared."""
        head = [f"verdict: {self.verdict.line()}"]
        if not self.same_data:
            head.append("the data are not those of the run; all their rows were judged")
        reasons = self.verdict.marked()
        return "\n".join([*head, *reasons, *self.lines])


def verify_run(
    run: Path, data: Path | None = None, quiet: bool = False, retrain: bool = False
) -> Reverified:
    """Compute a run again from its network, settings and data, and compare everything.

    The stored equations are judged on the data as well. Nothing in the folder is changed;
    a run that was altered is opened, and its altered files are named.

    Args:
        run: folder of the discovery.
        data: file of the data, where it is elsewhere now, or other data to judge by;
            with other data only the equations are judged.
        quiet: no progress on stderr.
        retrain: train the network again too, as long as that took.
    Raises:
        DataError: no such run, one of its files cannot be read, or its data have changed
            and no file was named.
    """
    # An altered run is opened on purpose: naming what was altered is the task here.
    with edits_accepted():
        return _verify(open_run(run), data, quiet, retrain)


def _verify(folder: Path, data: Path | None, quiet: bool, retrain: bool) -> Reverified:
    from discovery.verdict.judging import judge
    from discovery.verdict.recompute import compare_again
    from symbolic import verify

    record = load_discovery(folder)
    study, same_data = study_of(folder, data, quiet)
    if isinstance(study, SeriesStudy):
        return _verify_series(folder, record, study, same_data, quiet, retrain)
    model = stored_model(folder, study.decoder)
    # On other data no row has chosen anything, and none of its rows is more a test than
    # another.
    parts = _parts(study) if same_data else {"train": study.table}
    lines = [(str(change), False) for change in alterations(folder)]
    if record.equations is not None:
        stored = record.equations.verification
        now = verify(record.equations, model, *parts.values())
        # Checks of an older version may have other names; those have no stored answer
        # ("-").
        before = (
            {stored_check.name: stored_check.passed for stored_check in stored.checks}
            if stored
            else {}
        )
        for check in now.checks:
            word = "PASS" if check.passed else "FAIL"
            was = {True: "PASS", False: "FAIL", None: "-"}[before.get(check.name)]
            text = f"consistency, {check.name}: {check.number:.3g} {word}, stored {was}"
            # Other data may well give another answer; that is what they were asked for.
            lines.append((text, word == was or not same_data))
        lines += _scores(record, model, parts, same_data)
    verdict = judge(
        record.equations,
        model,
        parts,
        record.process_constants,
        record.identification,
        record.uncertainty,
    )
    text = f"headline: {verdict}, stored {record.verdict}"
    lines.append((text, str(verdict) == str(record.verdict) or not same_data))
    # Everything after the training once more, file by file; only the same data can
    # repeat it.
    if same_data:
        again = compare_again(folder, study, progress_of(quiet), retrain)
        lines += again.lines()
    return Reverified(
        record.verdict,
        verdict,
        tuple(text + ("" if same else "   DIFFERS") for text, same in lines),
        all(same for _, same in lines),
        same_data,
    )


def _verify_series(
    folder: Path,
    record: "DiscoveryRecord",
    study: SeriesStudy,
    same_data: bool,
    quiet: bool,
    retrain: bool,
) -> Reverified:
    """Run stored equations of series freely again, then everything after the training."""
    from discovery.dynamics.verifying import series_again
    from discovery.verdict.recompute import compare_again

    if not same_data:
        raise DataError(
            f"{study.source}: is not what the run was made from, and equations of series "
            "are verified on their own data only; judge them on others by `sciren predict`"
        )
    lines = [(str(change), False) for change in alterations(folder)]
    # The verdict of series comes from the stages that compare_again runs, so it is not
    # judged apart here.
    lines += series_again(record, study)
    lines += compare_again(folder, study, progress_of(quiet), retrain).lines()
    return Reverified(
        record.verdict,
        record.verdict,
        tuple(text + ("" if same else "   DIFFERS") for text, same in lines),
        all(same for _, same in lines),
        same_data,
    )


def control_run(run: Path, count: int, quiet: bool = False) -> Controls:
    """Run the controls of a finished run, store them in it, and write its report again.

    Args:
        run: folder of the discovery.
        count: placebos of each kind.
        quiet: no progress on stderr.
    Raises:
        DataError: no such run, or its data have changed.
        ConfigError: the run is read-only.
        TrainingError: the process model does not act row by row.
    """
    from discovery.report.run_report import write_report

    folder = open_run(run)
    check_writable(folder / CONTROLS)
    study, _ = study_of(folder, None, quiet)
    if isinstance(study, SeriesStudy):
        raise DataError(
            f"{folder}: there are no placebos yet for a process with memory; its verdict "
            "compares with constant latents on series that chose nothing"
        )
    model = stored_model(folder, study.decoder)
    say = progress_of(quiet).say
    controls = run_controls(model, _parts(study), count, study.config.seed, say)
    write_owned(folder, CONTROLS, json_text(controls.to_json()))
    write_report(folder)
    return controls


def _parts(study: "Study") -> "dict[str, Table]":
    return dict(zip(PARTS, study.split, strict=True))


def study_of(
    folder: Path, data: Path | None, quiet: bool
) -> "tuple[Study | SeriesStudy, bool]":
    """Prepare the data of a run; say whether they are what it was made from.

    Raises:
        DataError: they have changed, and no file was named.
    """
    from discovery.config.file import load_config
    from discovery.tables.prepare import prepare

    stored_decoder(folder)  # refuses code that comes with the run
    hashed = read_record(folder / "data.json", "sha256")["sha256"]
    changes: Sequence[str] = () if data is None else [f"data.path={data.resolve()}"]
    config = load_config(folder / "config.yaml", changes)
    say = progress_of(quiet).say
    if data is None:
        study = prepare(config, say)
        # Without a named file the data must be those of the run: anything else is an
        # accident.
        if study.fingerprint != hashed:
            raise DataError(
                f"{study.source}: is not what the run was made from (its SHA-256 "
                "differs); name the file with --data"
            )
        return study, True
    # Periods of a split need not exist in other data; all their rows are judged then.
    split = AutoSplit() if config.features else config.split
    # 1. With any split that works: are these the same data? 2. If so, split them as the
    # run did.
    whole = prepare(config.model_copy(update={"split": split}), say)
    if whole.fingerprint != hashed:
        return whole, False
    stored = load_config(folder / "config.yaml")
    source = read_record(folder / "data.json", "source")["source"]
    # The place of the file is no property of the run; with the stored one the files
    # that name it compare equal.
    return replace(prepare(config, say), config=stored, source=source), True


def _scores(
    record: "DiscoveryRecord",
    model: "ScIReN",
    parts: "Mapping[str, Table]",
    same_data: bool,
) -> list[tuple[str, bool]]:
    """R2 of the equations on every part, now and as stored."""
    from discovery.results.scoring import EQUATION, predictors, target_scores

    # Only the equations: scores of the network are compared with the rest of the files.
    equation = {EQUATION: predictors(model, record.equations)[EQUATION]}
    lines = []
    for part, models in target_scores(parts, equation).items():
        for target, score in models[EQUATION].items():
            stored = record.scores.get(part, {}).get(EQUATION, {}).get(target, {})
            now, was = score["r2"], stored.get("r2")
            if was is None or not same_data:
                lines.append((f"R2 of {target}, {part} rows: {now:.6g}", True))
                continue
            same = abs(now - was) <= CLOSE * max(1.0, abs(was))
            text = f"R2 of {target}, {part} rows: {now:.6g}, stored {was:.6g}"
            lines.append((text, same))
    return lines
