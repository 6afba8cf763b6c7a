"""Real tables by configuration alone; `python -m case_studies.gallery` runs them."""
