"""The step and the run of a recurrence in Julia."""

from symbolic.dynamics.code.step import TERMS, StepCode

_LINEAR = f"""
# States after h of a linear system, whose matrix is read off its derivatives.
function advance(now, p, f, h)
    n = length(now)
    constant, _ = one_row(zeros(n), p, f)
    a = zeros(n + 1, n + 1)
    for j in 1:n
        unit = zeros(n)
        unit[j] = 1.0
        a[1:n, j] = (one_row(unit, p, f)[1] - constant) * h
    end
    a[1:n, n + 1] = constant * h
    largest = max(maximum(sum(abs.(a), dims=2)), 1e-300)
    halvings = max(0, Int(ceil(log2(largest))) + 1)
    a = a / 2.0^halvings
    total = [i == j ? 1.0 : 0.0 for i in 1:(n + 1), j in 1:(n + 1)]
    term = copy(total)
    for k in 1:{TERMS - 1}
        term = term * a / k
        total = total + term
    end
    for k in 1:halvings
        total = total * total
    end
    return (total * [now; 1.0])[1:n]
end
"""

_RK4 = """
# States after h by one step of Runge and Kutta, fourth order.
function advance(now, p, f, h)
    k1, _ = one_row(now, p, f)
    k2, _ = one_row(now + h / 2 * k1, p, f)
    k3, _ = one_row(now + h / 2 * k2, p, f)
    k4, _ = one_row(now + h * k3, p, f)
    return now + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
end
"""


def write(step: StepCode) -> list[str]:
    """Return the functions as text."""
    blocks = [_step(step)]
    if step.ode:
        blocks.append(_LINEAR if step.linear else _RK4)
    return [*blocks, _run(step)]


def _step(step: StepCode) -> str:
    return f"""
# One step: {step.title}.
function one_row(s, p, f)
{step.assigned("=", 1)}
    return Float64[{", ".join(step.new)}], Float64[{", ".join(step.outputs)}]
end
"""


def _run(step: StepCode) -> str:
    arguments = ", ".join(step.arguments)
    keyword = "; intervals=1.0" if step.ode else ""
    bounds = step.bounds("Inf")
    held = [f"now = clamp.(now, [{bounds[0]}], [{bounds[1]}])"] if bounds else []
    observed = "".join(f"now[{place + 1}], " for place in step.observed)
    loop = step.row(
        [f"{'_' if step.ode else 'now'}, out = one_row(now, p, f)"], held,
        f"outputs[t, :] = [{observed}out...]",
        (f"for _ in 1:{step.substeps}", f"now = advance(now, p, f, h[t] / {step.substeps})",
         "end"),
    )  # fmt: skip
    head = [] if not step.forcings else [f"    rows = length({step.forcings[0]})"]
    head += [f"    {name} = {value!r}" for name, value in step.constants]
    if step.ode:
        head.append("    h = intervals isa Number ? fill(intervals, rows) : intervals")
    before, lines = "\n".join(head), "\n".join(f"        {line}" for line in loop)
    forcings = ", ".join(f"{name}[t]" for name in step.forcings)
    return f"""
# Simulate one group; forcings are vectors, the others numbers. Returns states
# (rows + 1, {len(step.states)}) and outputs in the order {", ".join(step.targets)}.
function run({arguments}{keyword})
{before}
    p = Float64[{", ".join(step.parameters)}]
    now = Float64[{", ".join(step.starts())}]
    states = zeros(rows + 1, {len(step.states)})
    outputs = zeros(rows, {len(step.targets)})
    states[1, :] = now
    for t in 1:rows
        f = Float64[{forcings}]
{lines}
        states[t + 1, :] = now
    end
    return states, outputs
end
"""
