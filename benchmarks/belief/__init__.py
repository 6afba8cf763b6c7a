"""How often selection, placebos and verdicts of the toolkit are right, on known truths."""
