"""Settings for every test: no deadlines, since test machines differ and share cores.

Examples are drawn from the test itself, so that a suite passes or fails for everyone; the
same ones are drawn at every run. `pytest --hypothesis-profile=explore` draws new ones.
"""

from hypothesis import settings

settings.register_profile("explore", deadline=None, print_blob=True)
settings.register_profile("sciren", settings.get_profile("explore"), derandomize=True)
settings.load_profile("sciren")
