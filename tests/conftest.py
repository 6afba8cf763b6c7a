"""Settings for every test: no deadlines, since test machines differ and share cores."""

from hypothesis import settings

settings.register_profile("sciren", deadline=None, print_blob=True)
settings.load_profile("sciren")
