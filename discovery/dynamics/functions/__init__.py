"""Latents that change in time in a run: closed forms first, then all else with them.

`closing` turns a study into one whose process holds the formulas, `stored` does so from
what a run keeps; `shared` ends a run
without latents of groups; `telling` is what tables, report and verdict say of the forms.
"""
