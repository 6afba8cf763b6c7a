"""Days on which a plant passes a stage: sums of warmth that pass thresholds.

The day is a state that grows by the share of every day that lies before the crossing, so
it is the interpolated day itself, with exact derivatives and no smoothing: rows after the
crossing add nothing. Observe it in the last row of a season; without a crossing it is the
length of the season.
"""

from typing import Any

from sciren.decoders.process import process_model
from sciren.functions import maximum, minimum, where
from sciren.parameters import Forcing, Parameter
from sciren.states import State

WARMTH = Forcing("ta", -40, 50, "degC", "mean temperature of the day")
NEEDED = Parameter("f_crit", 0, 2000, "degC d", "warmth needed", per="group", start=150)
SUMMED = State("warmth", unit="degC d", meaning="warmth above the base so far")
DAY = State("day", unit="d", meaning="days from the first row to the stage")
SMALLEST_GAIN = 1e-9  # degC d; on a day without warmth nothing is crossed


def share_before(now: Any, gain: Any, threshold: Any) -> Any:
    """Return the share of a step in which a sum that grows by gain is below a threshold.

    0 where it is above already, 1 where it stays below, linear in between
    """
    return minimum(maximum((threshold - now) / maximum(gain, SMALLEST_GAIN), 0), 1)


@process_model(
    parameters=[NEEDED, Parameter("t_base", -5, 10, "degC", "base", "constant", 5)],
    state=[SUMMED, DAY], forcings=[WARMTH], targets={"doy": "day"},
    target_units={"doy": "d"},
)  # fmt: skip
def thermal_time(s: Any, p: Any, f: Any) -> Any:
    """Day on which the warmth above a base has reached what is needed.

        warmth' = warmth + max(ta - t_base, 0)
        day'    = day + share of the day with warmth < f_crit

    Limits: the length of the series where the warmth is never reached; whole days round up.
    Identifiability: t_base and f_crit trade off; one climate tells f_crit only.
    Reference: Reaumur 1735; Cannell & Smith 1983, Journal of Applied Ecology 20, 951-963.
    """
    gain = maximum(f.ta - p.t_base, 0)
    before = share_before(s.warmth, gain, p.f_crit)
    return {"warmth": s.warmth + gain, "day": s.day + before}


@process_model(
    parameters=[
        NEEDED,
        Parameter("t_base", -5, 10, "degC", "base of warmth", "constant", 0.5),
        Parameter("c_req", 0, 350, "d", "chilling needed", "fixed", 60),
        Parameter("t_min", -10, 10, "degC", "no chilling below", "fixed", -5),
        Parameter("t_opt", -5, 10, "degC", "most chilling", "fixed", 5),
        Parameter("t_max", 0, 15, "degC", "no chilling above", "fixed", 12),
    ],
    state=[State("chill", unit="d", meaning="chilling so far"), SUMMED, DAY],
    forcings=[WARMTH], targets={"doy": "day"}, target_units={"doy": "d"},
)  # fmt: skip
def sequential_phenology(s: Any, p: Any, f: Any) -> Any:
    """Day on which warmth is enough, counted from the day after enough chilling.

        chill'  = chill + max(0, min((ta - t_min)/(t_opt - t_min), (t_max - ta)/(t_max - t_opt)))
        warmth' = warmth + max(ta - t_base, 0) where chill >= c_req, else warmth
        day'    = day + share of the day with warmth < f_crit

    Limits: the length of the series where chilling or warmth is never enough; thermal time
    where c_req is 0. Needs t_min < t_opt < t_max.
    Identifiability: warmth begins on whole days, so slopes say nothing of the chilling,
    which is fixed; it shows only where winters are warm.
    Reference: Kramer 1994, Journal of Applied Ecology 31, 172-181; Basler 2016.
    """
    rising, falling = (
        (f.ta - p.t_min) / (p.t_opt - p.t_min),
        (p.t_max - f.ta) / (p.t_max - p.t_opt),
    )
    chill = s.chill + maximum(minimum(rising, falling), 0)
    # Chilling of the days before: warmth begins on the day after.
    gain = where(s.chill >= p.c_req, maximum(f.ta - p.t_base, 0), 0)
    before = share_before(s.warmth, gain, p.f_crit)
    return {"chill": chill, "warmth": s.warmth + gain, "day": s.day + before}
