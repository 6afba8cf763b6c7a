"""The stages of a run on series: which way a process with memory is discovered."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from discovery.dynamics.discovering import with_time_format
from discovery.dynamics.functions.closing import (
    closed_study,
    closes_functions,
    function_forms_of,
)
from discovery.dynamics.functions.shared import shared_functions
from discovery.dynamics.functions.telling import add_forms
from discovery.dynamics.own import fits_groups_alone, own_numbers
from discovery.dynamics.state_function import finds_state_function, state_function

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from discovery.tables.study import SeriesStudy
    from sciren.training import TrainConfig


def series_stages(
    declared: "SeriesStudy",
    training: "TrainConfig",
    say: Callable[[str], None],
    by_network: "Callable[[SeriesStudy], Discovery]",
) -> "tuple[Discovery, SeriesStudy]":
    """Discover a process with memory.

    1. latents in time as curves, then as closed forms that take their place;
    2. a process that is left without latents: its functions are what there is to find;
    3. one latent that is a function of its own state: the curve of the state;
    4. no features: the numbers of every group, by themselves;
    5. else a network of the features of groups, as for rows.

    Args:
        declared: data and process model, as the user gave them.
        training: its settings;  say: hears what is going on.
        by_network: the way of a study whose groups have features.
    Returns:
        The discovery, and the study of the process that it is about.
    """
    study, forms = declared, None
    if closes_functions(declared):
        forms = function_forms_of(declared, training, say)
        study = closed_study(declared, forms)
    if forms is not None and not study.decoder.latent_names:
        discovery = shared_functions(declared, training, forms, say)
    elif finds_state_function(study):
        discovery = state_function(study, training, say)
    elif fits_groups_alone(study):
        discovery = own_numbers(study, training, say)
    else:
        discovery = by_network(study)
    # New files are read with the layout of stamps of this one.
    with_time_format(discovery, study.config)
    if forms is not None:
        add_forms(discovery, declared, forms)
    return discovery, study
