"""tune: search the settings of a training by their loss on the validation rows.

`space` says what is searched, `trial` trains and scores, `search` asks Optuna what to try
next, `choice` takes the simplest settings within one standard error of the best.
"""
