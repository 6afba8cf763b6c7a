"""Equations as LaTeX, Markdown and text: notation, numbers, layout, tables, whole documents.

Plain data in, text out; no model is trained or changed here.
"""
