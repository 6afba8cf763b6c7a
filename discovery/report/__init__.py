"""A finished run for readers: summary, figures and one self-contained HTML page."""
