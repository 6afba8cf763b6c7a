"""Numbers of nature and of the calendar that processes and data sets share."""

FREEZING = 273.15
"""0 degrees C in K."""
MONTHS = 12
"""Of the climatologies, which have one value a month."""
DAY = 86_400
"""Seconds of a day."""
