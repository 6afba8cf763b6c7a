"""The step and the run of a recurrence in Fortran 2008."""

from symbolic.code.fortran import continued
from symbolic.code.fortran import number as literal
from symbolic.dynamics.code.step import TERMS, StepCode


def write(step: StepCode) -> list[str]:
    """Return the subroutines as text."""
    blocks = [_step(step)]
    if step.ode:
        blocks.append(_linear(step) if step.linear else _rk4(step))
    return [*blocks, _run(step)]


def _declared(names: list[str]) -> list[str]:
    return continued(f"    real(dp) :: {', '.join(names)}") if names else []


def _sizes(step: StepCode) -> tuple[int, int, int, int]:
    """Sizes of s, p, f and out; an array has one element at least."""
    counts = (step.states, step.parameters, step.forcings, step.outputs)
    # arrays of no element are legal in Fortran but nothing can be put into them
    n, p, f, m = (max(len(entries), 1) for entries in counts)
    return n, p, f, m


def _step(step: StepCode) -> str:
    n, p, f, m = _sizes(step)
    # arrays count from one
    read = [(name, f"{array}({k})") for name, array, k in step.read(1)]
    local = [*read, *step.parts]
    lines = _declared([name for name, _ in local])
    for name, text in local:
        lines += continued(f"    {name} = {text}")
    for k, text in enumerate(step.new, 1):
        lines += continued(f"    ahead({k}) = {text}")
    lines.append("    out = 0.0_dp")
    for k, text in enumerate(step.outputs, 1):
        lines += continued(f"    out({k}) = {text}")
    word = "derivatives" if step.ode else "new values"
    body = "\n".join(lines)
    return f"""
  ! One step: {word} of the states, and outputs.
  pure subroutine one_row(s, p, f, ahead, out)
    real(dp), intent(in) :: s({n}), p({p}), f({f})
    real(dp), intent(out) :: ahead({n}), out({m})
{body}
  end subroutine
"""


def _rk4(step: StepCode) -> str:
    n, p, f, m = _sizes(step)
    return f"""
  ! States after h by one step of Runge and Kutta, fourth order.
  pure subroutine advance(now, p, f, h)
    real(dp), intent(inout) :: now({n})
    real(dp), intent(in) :: p({p}), f({f}), h
    real(dp) :: k1({n}), k2({n}), k3({n}), k4({n}), out({m})
    call one_row(now, p, f, k1, out)
    call one_row(now + h/2*k1, p, f, k2, out)
    call one_row(now + h/2*k2, p, f, k3, out)
    call one_row(now + h*k3, p, f, k4, out)
    now = now + h*(k1 + 2*k2 + 2*k3 + k4)/6
  end subroutine
"""


def _linear(step: StepCode) -> str:
    n, p, f, m = _sizes(step)
    # The constant part of the derivatives is one more column of the matrix: its exponential
    # then holds the inhomogeneous solution as well, and no singular matrix is inverted.
    # Halved until its norm is at most 1/2, where the series is exact to rounding.
    size = n + 1
    return f"""
  ! States after h of a linear system, whose matrix is read off its derivatives.
  pure subroutine advance(now, p, f, h)
    real(dp), intent(inout) :: now({n})
    real(dp), intent(in) :: p({p}), f({f}), h
    real(dp) :: constant({n}), column({n}), unit({n}), out({m})
    real(dp) :: a({size}, {size}), total({size}, {size}), term({size}, {size})
    integer :: j, halvings
    a = 0.0_dp
    unit = 0.0_dp
    call one_row(unit, p, f, constant, out)
    do j = 1, {n}
      unit(j) = 1.0_dp
      call one_row(unit, p, f, column, out)
      unit(j) = 0.0_dp
      a(1:{n}, j) = (column - constant)*h
    end do
    a(1:{n}, {size}) = constant*h
    halvings = max(0, ceiling(log(max(maxval(sum(abs(a), 2)), 1e-300_dp))/log(2.0_dp)) + 1)
    a = a/2.0_dp**halvings
    total = 0.0_dp
    do j = 1, {size}
      total(j, j) = 1.0_dp
    end do
    term = total
    do j = 1, {TERMS - 1}
      term = matmul(term, a)/j
      total = total + term
    end do
    do j = 1, halvings
      total = matmul(total, total)
    end do
    now = matmul(total(1:{n}, 1:{n}), now) + total(1:{n}, {size})
  end subroutine
"""


def _run(step: StepCode) -> str:
    n, p, f, m = _sizes(step)
    arguments = ["rows", *step.forcings, *step.given]
    arguments += ["intervals"] if step.ode else []
    arguments += ["states", "outputs"]
    declared = ["    integer, intent(in) :: rows"]
    for name in [*step.forcings, *(["intervals"] if step.ode else [])]:
        declared.append(f"    real(dp), intent(in) :: {name}(rows)")
    declared += [f"    real(dp), intent(in) :: {name}" for name in step.given]
    declared += [
        f"    real(dp), parameter :: {name} = {literal(value)}"
        for name, value in step.constants
    ]
    shown = len(step.observed)
    observe = [
        f"      outputs({k}, t) = now({place + 1})"
        for k, place in enumerate(step.observed, 1)
    ]
    copy = [
        f"      outputs({shown + k}, t) = out({k})"
        for k in range(1, len(step.outputs) + 1)
    ]
    body = _loop(step, observe) + copy
    before = "\n".join(declared)
    first = "\n".join(continued(f"  subroutine run({', '.join(arguments)})"))
    given = "\n".join(
        [
            *continued(f"    p = [{', '.join(step.parameters) or '0.0_dp'}]"),
            *continued(f"    now = [{', '.join(step.starts(literal))}]"),
        ]
    )
    forcing = ", ".join(f"{name}(t)" for name in step.forcings) or "0.0_dp"
    lines = "\n".join([*continued(f"      f = [{forcing}]"), *body])
    return f"""
  ! Simulate one group; outputs are in the order {", ".join(step.targets)[:80]}.
{first}
{before}
    real(dp), intent(out) :: states({n}, rows + 1), outputs({len(step.targets)}, rows)
    real(dp) :: now({n}), ahead({n}), out({m}), p({p}), f({f})
    integer :: t{", l" if step.ode else ""}
{given}
    states(:, 1) = now
    do t = 1, rows
{lines}
      states(:, t + 1) = now
    end do
  end subroutine
"""


def _loop(step: StepCode, observe: list[str]) -> list[str]:
    held = []
    for k, state in enumerate(step.states, 1):
        if state.low is not None:
            held.append(f"      now({k}) = max(now({k}), {literal(float(state.low))})")
        if state.high is not None:
            held.append(f"      now({k}) = min(now({k}), {literal(float(state.high))})")
    # outputs of an ODE are those at the row's time, so they are taken before the states move
    called = "      call one_row(now, p, f, ahead, out)"
    if not step.ode:
        return [called, "      now = ahead", *held, *observe]
    return [
        called, *observe, f"      do l = 1, {step.substeps}",
        f"        call advance(now, p, f, intervals(t)/{step.substeps})",
        *(f"  {line}" for line in held), "      end do",
    ]  # fmt: skip
