"""The configuration of a small study that tables with faults are put under."""

ROWS = 60
CONFIG = {
    "data": {"path": "data.csv", "time": "time"},
    "features": ["x1", "x2"],
    "decoder": "q10",
    "forcings": {"ta": "ta"},
    "targets": {"reco": "reco"},
    "out": "results",
}
