"""The step and the run of a recurrence in Python, with numpy only."""

from symbolic.dynamics.code.step import TERMS, StepCode

_EXPONENTIAL = f'''

def _exponential(a):
    """Exponential of matrices (..., n, n): scaling, a Taylor series, squaring."""
    size = np.abs(a).sum(-1).max()
    halvings = int(max(0.0, np.ceil(np.log2(max(size, 1e-300))) + 1))
    a = a / 2.0**halvings
    total = term = np.eye(a.shape[-1]) + 0 * a
    for k in range(1, {TERMS}):
        term = term @ a / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def _linear(now, h, fixed):
    """States after h of a linear system, whose matrix is read off its derivatives."""
    n, zero = len(now), 0.0 * np.asarray(now[0])
    constant, _ = one_row(*[0.0] * n, *fixed)
    columns = [one_row(*np.eye(n)[j], *fixed)[0] for j in range(n)]
    rows = [
        [(columns[j][i] - constant[i]) * h + zero for j in range(n)]
        + [constant[i] * h + zero]
        for i in range(n)
    ] + [[zero] * (n + 1)]
    a = np.moveaxis(np.array(rows, dtype=float), (0, 1), (-2, -1))
    x = np.stack([*now, 1.0 + zero], -1)[..., None]
    return list(np.moveaxis((_exponential(a) @ x)[..., 0], -1, 0)[:n])
'''

_RK4 = [
    "            k1, _a = one_row(*now, *fixed)",
    "            k2, _a = one_row(*[x + h / 2 * k for x, k in zip(now, k1)], *fixed)",
    "            k3, _a = one_row(*[x + h / 2 * k for x, k in zip(now, k2)], *fixed)",
    "            k4, _a = one_row(*[x + h * k for x, k in zip(now, k3)], *fixed)",
    "            now = [x + h * (a + 2 * b + 2 * c + d) / 6",
    "                   for x, a, b, c, d in zip(now, k1, k2, k3, k4)]",
]


def write(step: StepCode) -> list[str]:
    """Return the functions as text."""
    # only a linear ODE needs the exponential of its matrix
    blocks = [_EXPONENTIAL] if step.ode and step.linear else []
    return [*blocks, _step(step), _run(step)]


def _step(step: StepCode) -> str:
    names = [state.name for state in step.states]
    arguments = ", ".join([*names, *step.parameters, *step.forcings])
    word = "derivatives" if step.ode else "new values"
    parts = "".join(f"    {name} = {text}\n" for name, text in step.parts)
    return f'''

def one_row({arguments}):
    """Return {word} of the states ({", ".join(names)}), outputs."""
{parts}    return [{", ".join(step.new)}], [{", ".join(step.outputs)}]
'''


def _run(step: StepCode) -> str:
    # without forcings nothing says how many rows there are
    arguments = [*(step.forcings or ["rows"]), *step.given]
    arguments += ["intervals=1.0"] if step.ode else []
    given = ", ".join(step.given) or "nothing"
    lines = [
        "", "", f"def run({', '.join(arguments)}):",
        f'    """Simulate one group; forcings are arrays (T,), {given} numbers.', "",
        "    Returns: states (T + 1, n), outputs (T, m) in the order "
        f'{", ".join(step.targets)}.', '    """',
        *(f"    {name} = {value!r}" for name, value in step.constants),
    ]  # fmt: skip
    rows = f"len({step.forcings[0]})" if step.forcings else "rows"
    fixed = [*step.parameters, *(f"{name}[t]" for name in step.forcings)]
    lines += [
        f"    now = [{', '.join(step.starts())}]",
        "    states, outputs = [now], []",
    ]
    if step.ode:
        lines.append(f"    intervals = np.broadcast_to(intervals, {rows})")
    lines += [
        f"    for t in range({rows}):",
        f"        fixed = ({', '.join(fixed)},)",
        *_advance(step),
    ]
    # a state of an ODE is observed at the row's time, one of a step at its end
    seen = "before" if step.ode else "now"
    observed = "".join(f"{seen}[{place}], " for place in step.observed)
    lines += [
        f"        outputs.append([{observed}*out])",
        "        states.append(now)",
        "    return np.array(states, dtype=float), np.array(outputs, dtype=float)",
    ]
    return "\n".join(lines) + "\n"


def _advance(step: StepCode) -> list[str]:
    """Return the lines that carry the states over one interval."""
    # bounds after every step, or substep, as `Recurrence` holds them
    bounds = [
        f"np.clip(now[{k}], {'-np.inf' if s.low is None else repr(float(s.low))}, "
        f"{'np.inf' if s.high is None else repr(float(s.high))})"
        if s.low is not None or s.high is not None
        else f"now[{k}]"
        for k, s in enumerate(step.states)
    ]
    held = f"[{', '.join(bounds)}]"
    if not step.ode:
        return ["        now, out = one_row(*now, *fixed)", f"        now = {held}"]
    linear = ["            now = _linear(now, h, fixed)"]
    return [
        f"        before, h = now, intervals[t] / {step.substeps}",
        "        _, out = one_row(*now, *fixed)",
        f"        for _ in range({step.substeps}):",
        *(linear if step.linear else _RK4),
        f"            now = {held}",
    ]
