"""Settings for every test: no deadlines, since test machines differ and share cores.

Examples are drawn from the test itself, so that a suite passes or fails for everyone; the
same ones are drawn at every run, so half of hypothesis' hundred are drawn, since more of
the same find nothing new. `pytest --hypothesis-profile=explore` draws
a hundred new ones.
"""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("explore", deadline=None, print_blob=True)
settings.register_profile(
    "sciren", settings.get_profile("explore"), derandomize=True, max_examples=50
)
settings.load_profile("sciren")

# what touches most of the dependencies in little time; `make test-oldest` runs it
OLDEST = (
    "discovery/config/test_settings.py",
    "discovery/runs/test_prediction_files.py",
    "discovery/tables/test_plausible.py",
    "discovery/tables/test_sources.py",
    "reliability/test_digits.py",
    "sciren/data/test_table.py",
    "sciren/test_checkpoint.py",
    "symbolic/model/test_storage.py",
    "symbolic/printing/test_latex.py",
    "visualize/test_curves.py",
    "test_architecture.py",
)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if (
            item.path.is_relative_to(here)
            and item.path.relative_to(here).as_posix() in OLDEST
        ):
            item.add_marker(pytest.mark.oldest)
