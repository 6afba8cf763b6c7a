"""Units of measurement: parsed, compared, and inferred for every constant of a formula."""
