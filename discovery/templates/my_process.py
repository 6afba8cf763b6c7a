"""A process model of one's own: carbon uptake by light, with an efficiency to discover."""

from sciren import Parameter, process_model


@process_model(
    parameters=[
        Parameter("efficiency", low=0, unit="g MJ-1", meaning="uptake per unit of light"),
        Parameter("half", low=0, start=5, unit="MJ m-2 d-1", kind="constant"),
    ],
    forcings=["par"],
    targets=["gpp"],
)
def light_use(p, f):
    return p.efficiency * f.par / (1 + f.par / p.half)
