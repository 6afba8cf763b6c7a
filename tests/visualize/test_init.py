"""The package lists its names, and loads matplotlib only when one is used."""

import subprocess
import sys

import pytest

import visualize


@pytest.mark.parametrize("name", visualize.__all__)
def test_each_listed_name_exists(name):
    assert getattr(visualize, name).__doc__
    assert name in dir(visualize)


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'plot_nothing'"):
        _ = visualize.plot_nothing


def test_importing_loads_nothing_and_drawing_leaves_pyplot_and_torch_alone():
    code = (
        "import sys, visualize\n"
        "assert not {'matplotlib', 'networkx', 'pandas'} & set(sys.modules)\n"
        "import pandas as pd\n"
        "visualize.plot_history(pd.DataFrame({'total': [2.0, 1.0]}))\n"
        "visualize.draw_graph, visualize.plot_edges, visualize.plot_profiles\n"
        "assert not {'matplotlib.pyplot', 'torch', 'sympy'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
