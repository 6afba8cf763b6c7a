"""Runs as archives for a repository such as Zenodo, and runs made again from them."""
