"""A recurrence as a Python module that needs numpy only: `run` simulates one group."""

from collections.abc import Mapping

from symbolic.code.expressions import CodeText
from symbolic.code.python import DIALECT, RESERVED
from symbolic.dynamics.recurrence import Recurrence
from symbolic.printing.printer import names_in

_STEP = '''

def _step(x):
    """0 below zero, 1/2 at zero, 1 above."""
    return np.heaviside(x, 0.5)
'''


_EXPONENTIAL = '''

def _exponential(a):
    """Exponential of matrices (..., n, n): scaling, a Taylor series, squaring."""
    size = np.abs(a).sum(-1).max()
    halvings = int(max(0.0, np.ceil(np.log2(max(size, 1e-300))) + 1))
    a = a / 2.0**halvings
    total = term = np.eye(a.shape[-1]) + 0 * a
    for k in range(1, 19):  # 0.5^19 / 19! is below the rounding
        term = term @ a / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def _linear(now, h, fixed):
    """States after h of a linear system, whose matrix is read off its derivatives."""
    n, zero = len(now), 0.0 * np.asarray(now[0])
    constant, _ = one_step(*[0.0] * n, *fixed)
    columns = [one_step(*np.eye(n)[j], *fixed)[0] for j in range(n)]
    rows = [
        [(columns[j][i] - constant[i]) * h + zero for j in range(n)]
        + [constant[i] * h + zero]
        for i in range(n)
    ] + [[zero] * (n + 1)]
    a = np.moveaxis(np.array(rows, dtype=float), (0, 1), (-2, -1))
    x = np.stack([*now, 1.0 + zero], -1)[..., None]
    return list(np.moveaxis((_exponential(a) @ x)[..., 0], -1, 0)[:n])
'''


def recurrence_python(
    law: Recurrence, relations: str, constants: Mapping[str, float]
) -> str:
    """Return the source of a module with `one_step` and `run`.

    Args:
        law: the recurrence.
        relations: source of a module with one function a latent, as `to_code("python")`
            writes it; the recurrence follows below.
        constants: value of every constant.
    """
    names = {name: _identifier(name) for name in _all_names(law)}
    step = _step_function(law, names)
    more = _EXPONENTIAL if law.time == "ode" and law.solver == "linear" else ""
    more += _STEP if "_step(" in step and "def _step(" not in relations else ""
    return "".join(
        [relations.rstrip("\n"), "\n", more, step, _run_function(law, names, constants)]
    )


def _all_names(law: Recurrence) -> list[str]:
    return [*(s.name for s in law.states), *law.parameters, *law.forcings.values()]


def _identifier(name: str) -> str:
    legal = "".join(
        letter if letter.isalnum() or letter == "_" else "_" for letter in name
    )
    legal = legal if legal.isidentifier() else f"x_{legal}"
    return f"{legal}_" if legal in RESERVED else legal


def _step_function(law: Recurrence, names: Mapping[str, str]) -> str:
    def text(expression: object) -> str:
        used = {name: names[name] for name in names_in([expression])}
        return CodeText(DIALECT, used).text(expression)

    arguments = ", ".join(names[name] for name in _all_names(law))
    word = "new values" if law.time == "step" else "derivatives"
    states = ", ".join(text(law.new[state.name]) for state in law.states)
    outputs = ", ".join(text(law.outputs[name]) for name in law.outputs)
    return f'''

def one_step({arguments}):
    """Return {word} of the states ({", ".join(s.name for s in law.states)}), outputs."""
    return [{states}], [{outputs}]
'''


def _run_function(
    law: Recurrence, names: Mapping[str, str], constants: Mapping[str, float]
) -> str:
    learned = {state.start_name for state in law.states}
    given = [n for n in law.parameters if n not in constants and n not in learned]
    forcings = [names[column] for column in law.forcings.values()]
    arguments = [*(forcings or ["rows"]), *(names[name] for name in given)]
    arguments += ["intervals=1.0"] if law.time == "ode" else []
    lines = [
        "", "", f"def run({', '.join(arguments)}):",
        f'    """Simulate one group; forcings are arrays (T,), {", ".join(given) or "nothing"} '
        'numbers.', "",
        "    Returns: states (T + 1, n), outputs (T, m) in the order "
        f'{", ".join(law.targets)}.', '    """',
    ]  # fmt: skip
    lines += [
        f"    {names[n]} = {constants[n]!r}" for n in law.parameters if n in constants
    ]
    starts = [
        f"{constants.get(s.start_name, s.start)!r}"
        + (f" * {names[s.of]}" if s.of else "")
        for s in law.states
    ]
    rows = f"len({forcings[0]})" if forcings else "rows"
    fixed = [*(names[n] for n in law.parameters), *(f"{n}[t]" for n in forcings)]
    lines += [f"    now = [{', '.join(starts)}]", "    states, outputs = [now], []"]
    if law.time == "ode":
        lines.append(f"    intervals = np.broadcast_to(intervals, {rows})")
    lines.append(f"    for t in range({rows}):")
    lines += [f"        fixed = ({', '.join(fixed)},)", *_advance(law)]
    seen = "before" if law.time == "ode" else "now"
    index = [state.name for state in law.states]
    observed = "".join(f"{seen}[{index.index(s)}], " for s in law.observed.values())
    lines += [
        f"        outputs.append([{observed}*out])",
        "        states.append(now)",
        "    return np.array(states, dtype=float), np.array(outputs, dtype=float)",
    ]
    return "\n".join(lines) + "\n"


def _advance(law: Recurrence) -> list[str]:
    """Return the lines that carry the states over one interval."""
    bounds = [
        f"np.clip(now[{k}], {'-np.inf' if s.low is None else repr(float(s.low))}, "
        f"{'np.inf' if s.high is None else repr(float(s.high))})"
        if s.low is not None or s.high is not None
        else f"now[{k}]"
        for k, s in enumerate(law.states)
    ]
    held = f"[{', '.join(bounds)}]"
    if law.time == "step":
        return ["        now, out = one_step(*now, *fixed)", f"        now = {held}"]
    return [
        "        before, h = now, intervals[t] / " + repr(law.substeps),
        "        _, out = one_step(*now, *fixed)",
        f"        for _ in range({law.substeps}):",
        *_substep(law.solver),
        f"            now = {held}",
    ]


def _substep(solver: str) -> list[str]:
    if solver == "linear":
        return ["            now = _linear(now, h, fixed)"]
    return [
        "            k1, _a = one_step(*now, *fixed)",
        "            k2, _a = one_step(*[x + h / 2 * k for x, k in zip(now, k1)], *fixed)",
        "            k3, _a = one_step(*[x + h / 2 * k for x, k in zip(now, k2)], *fixed)",
        "            k4, _a = one_step(*[x + h * k for x, k in zip(now, k3)], *fixed)",
        "            now = [x + h * (a + 2 * b + 2 * c + d) / 6",
        "                   for x, a, b, c, d in zip(now, k1, k2, k3, k4)]",
    ]
