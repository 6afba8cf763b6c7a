"""Figures of the data beside a model: where it fails, and how it runs along time."""
