"""The step and the run of a recurrence in C99."""

from symbolic.dynamics.code.step import TERMS, Slot, StepCode

_LINEAR = """
/* Product of two matrices. */
static void product(double a[SIZE][SIZE], double b[SIZE][SIZE], double scale,
                    double result[SIZE][SIZE])
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            double sum = 0.0;
            for (int k = 0; k < SIZE; k++) {
                sum += a[i][k] * b[k][j];
            }
            result[i][j] = sum * scale;
        }
    }
}

/* States after h of a linear system, whose matrix is read off its derivatives. */
static void advance(double *now, const double *p, const double *f, double h)
{
    double unit[COUNT] = {0.0}, constant[COUNT], column[COUNT], out[OUTPUTS];
    double a[SIZE][SIZE] = {{0.0}}, total[SIZE][SIZE], term[SIZE][SIZE];
    double next[SIZE][SIZE], largest = 1e-300;
    one_row(unit, p, f, constant, out);
    for (int j = 0; j < COUNT; j++) {
        unit[j] = 1.0;
        one_row(unit, p, f, column, out);
        unit[j] = 0.0;
        for (int i = 0; i < COUNT; i++) {
            a[i][j] = (column[i] - constant[i]) * h;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        a[i][COUNT] = constant[i] * h;
    }
    for (int i = 0; i < SIZE; i++) {
        double sum = 0.0;
        for (int j = 0; j < SIZE; j++) {
            sum += fabs(a[i][j]);
            total[i][j] = term[i][j] = i == j ? 1.0 : 0.0;
        }
        largest = sum > largest ? sum : largest;
    }
    const double wanted = ceil(log2(largest)) + 1.0;
    const int halvings = wanted > 0.0 ? (int)wanted : 0;
    const double shrunk = pow(2.0, -halvings);
    for (int k = 1; k < ORDER; k++) {
        product(term, a, shrunk / k, next);
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < SIZE; j++) {
                term[i][j] = next[i][j];
                total[i][j] += next[i][j];
            }
        }
    }
    for (int k = 0; k < halvings; k++) {
        product(total, total, 1.0, next);
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < SIZE; j++) {
                total[i][j] = next[i][j];
            }
        }
    }
    for (int i = 0; i < COUNT; i++) {
        column[i] = total[i][COUNT];
        for (int j = 0; j < COUNT; j++) {
            column[i] += total[i][j] * now[j];
        }
    }
    for (int i = 0; i < COUNT; i++) {
        now[i] = column[i];
    }
}
"""


def write(step: StepCode) -> list[str]:
    """Return the functions as text."""
    blocks = [_step(step)]
    if step.ode:
        blocks.append(_linear(step) if step.linear else _rk4(step))
    return [*blocks, _run(step)]


def _step(step: StepCode) -> str:
    read = [
        f"    const double {name} = {array}[{k}];" for name, array, k in step.read(0)
    ]
    lines = [
        *read,
        *(f"    const double {name} = {text};" for name, text in step.parts),
    ]
    lines += [f"    ahead[{k}] = {text};" for k, text in enumerate(step.new)]
    lines += [f"    out[{k}] = {text};" for k, text in enumerate(step.outputs)]
    # a step may need no states, parameters or forcings; compilers warn of what is not read
    unused = "".join(
        f"    (void){array};\n" for array in ("s", "p", "f", "out")
    )  # fmt: skip
    word = "derivatives" if step.ode else "new values"
    body = "\n".join(lines)
    return f"""
/* One step: {word} of the states ({", ".join(s.name for s in step.states)}), and outputs. */
static void one_row(const double *s, const double *p, const double *f, double *ahead,
                     double *out)
{{
{unused}{body}
}}
"""


def _rk4(step: StepCode) -> str:
    # C has no arrays of zero elements
    n, m = len(step.states), max(len(step.outputs), 1)
    return f"""
/* States after h by one step of Runge and Kutta, fourth order. */
static void advance(double *now, const double *p, const double *f, double h)
{{
    double rates[4][{n}], moved[{n}], out[{m}];
    const double share[4] = {{0.0, 0.5, 0.5, 1.0}};
    for (int j = 0; j < 4; j++) {{
        for (int k = 0; k < {n}; k++) {{
            moved[k] = j ? now[k] + share[j] * h * rates[j - 1][k] : now[k];
        }}
        one_row(moved, p, f, rates[j], out);
    }}
    for (int k = 0; k < {n}; k++) {{
        now[k] += h * (rates[0][k] + 2.0 * rates[1][k] + 2.0 * rates[2][k] + rates[3][k]) / 6.0;
    }}
}}
"""


def _linear(step: StepCode) -> str:
    """Fill the sizes of arrays into the function of a linear system."""
    n, m = len(step.states), max(len(step.outputs), 1)
    sizes = {"COUNT": n, "SIZE": n + 1, "OUTPUTS": m, "ORDER": TERMS}
    text = _LINEAR
    for word, size in sizes.items():
        text = text.replace(word, str(size))
    return text


def _held(k: int, state: Slot) -> list[str]:
    lines = []
    if state.low is not None:
        low = repr(float(state.low))
        lines.append(f"if (now[{k}] < {low}) now[{k}] = {low};")
    if state.high is not None:
        high = repr(float(state.high))
        lines.append(f"if (now[{k}] > {high}) now[{k}] = {high};")
    return lines


def _run(step: StepCode) -> str:
    n, shown = len(step.states), len(step.observed)
    m = shown + len(step.outputs)
    arguments = ["int rows", *(f"const double *{name}" for name in step.forcings)]
    arguments += [f"double {name}" for name in step.given]
    arguments += ["const double *intervals"] if step.ode else []
    arguments += ["double *states", "double *outputs"]
    # bounds after every step, or substep, as `Recurrence` holds them
    held = [line for k, state in enumerate(step.states) for line in _held(k, state)]
    observe = [
        f"outputs[t * {m} + {k}] = now[{place}];"
        for k, place in enumerate(step.observed)
    ]
    copy = [
        f"outputs[t * {m} + {shown + k}] = out[{k}];" for k in range(len(step.outputs))
    ]
    # outputs of an ODE are those at the row's time, so they are taken before the states move
    if step.ode:
        advance = [
            "one_row(now, p, f, ahead, out);", *observe,
            f"for (int l = 0; l < {step.substeps}; l++) {{",
            f"    advance(now, p, f, intervals[t] / {float(step.substeps)!r});",
            *(f"    {line}" for line in held), "}",
        ]  # fmt: skip
    else:
        advance = [
            "one_row(now, p, f, ahead, out);",
            f"for (int k = 0; k < {n}; k++) now[k] = ahead[k];", *held, *observe,
        ]  # fmt: skip
    body = "\n".join(f"        {line}" for line in [*advance, *copy])
    constants = "".join(
        f"    const double {name} = {value!r};\n" for name, value in step.constants
    )
    parameters = ", ".join(step.parameters) or "0.0"
    forcings = ", ".join(f"{name}[t]" for name in step.forcings) or "0.0"
    return f"""
/**
 * Simulate one group.
 * states: (rows + 1) x {n}, at the start of every row and after the last; outputs: rows x
 * {m} in the order {", ".join(step.targets)}.
 */
void run({", ".join(arguments)})
{{
{constants}    const double p[] = {{{parameters}}};
    double now[{n}] = {{{", ".join(step.starts())}}}, ahead[{n}], out[{max(len(step.outputs), 1)}];
    for (int k = 0; k < {n}; k++) {{
        states[k] = now[k];
    }}
    for (int t = 0; t < rows; t++) {{
        const double f[] = {{{forcings}}};
{body}
        for (int k = 0; k < {n}; k++) {{
            states[(t + 1) * {n} + k] = now[k];
        }}
    }}
}}
"""
