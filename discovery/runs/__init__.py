"""A run as a folder: stages one after another, restartable, whole or not at all."""
