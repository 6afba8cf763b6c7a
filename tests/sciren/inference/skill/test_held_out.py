"""Skill on blocks that chose nothing."""

from dataclasses import replace

import numpy as np

from benchmarks.belief.verdicts import CASES, draw, observed_record
from sciren.inference import ObservedProcess
from sciren.inference.skill import HeldOut, skill_of_selection
from sciren.inference.skill.held_out import constant_mean, known_columns, out_of_fold


def test_a_real_relation_is_claimed_and_not_accused(respiration):
    model, table, _ = respiration
    skill = skill_of_selection(ObservedProcess.of(model, table))
    assert skill.claimed
    assert skill.kept == 2
    assert not skill.better_reference
    assert not skill.missing.fires
    assert skill.r2 > skill.constant_r2


def test_a_missing_product_is_named():
    case = CASES["0.4 x1 x2 missing"]
    skill = skill_of_selection(observed_record(draw(case, 1, 600)))
    assert skill.claimed
    assert skill.missing.fires


def test_a_wrong_process_predicts_worse_than_trees():
    case = CASES["optimum curve for Q10"]
    skill = skill_of_selection(observed_record(draw(case, 0, 600)))
    assert skill.better_reference
    assert skill.missing.fires


def test_useless_features_are_no_finding():
    case = CASES["useless, iid"]
    assert not skill_of_selection(observed_record(draw(case, 0, 400))).claimed


def test_groups_are_held_out_whole(respiration):
    model, table, _ = respiration
    sites = np.arange(len(table)) % 20
    grouped = replace(
        table, blocks=table.blocks.new_tensor(sites), groups=np.asarray(sites)
    )
    process = ObservedProcess.of(model, grouped)
    held = HeldOut.of(process, process.values)
    assert all(len(set(held.folds[held.blocks == b])) == 1 for b in range(20))


def test_every_row_is_predicted_by_a_model_that_has_not_seen_it(respiration):
    """Constant latents of the other folds: the mean of a fold follows the others."""
    model, table, _ = respiration
    process = ObservedProcess.of(model, table)
    held = HeldOut.of(process, process.values)

    def largest(train, new):
        return np.full(len(new), train.values.max())

    found = out_of_fold(process, held, largest)
    top = int(process.values.argmax())
    others = process.values[held.folds != held.folds[top]]
    assert found[top] == others.max() < process.values[top]
    assert np.isfinite(out_of_fold(process, held, constant_mean)).all()


def test_references_see_features_and_forcings(respiration):
    model, table, _ = respiration
    assert known_columns(ObservedProcess.of(model, table)).shape == (len(table), 5)
