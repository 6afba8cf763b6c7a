"""The step and the run of a recurrence in R."""

from symbolic.dynamics.code.step import TERMS, StepCode

_LINEAR = f"""
advance <- function(now, p, f, h) {{
    n <- length(now)
    constant <- one_row(rep(0, n), p, f)$new
    a <- matrix(0, n + 1, n + 1)
    for (j in seq_len(n)) {{
        unit <- rep(0, n)
        unit[j] <- 1
        a[seq_len(n), j] <- (one_row(unit, p, f)$new - constant) * h
    }}
    a[seq_len(n), n + 1] <- constant * h
    halvings <- max(0, ceiling(log2(max(rowSums(abs(a)), 1e-300))) + 1)
    a <- a / 2^halvings
    total <- term <- diag(n + 1)
    for (k in 1:{TERMS - 1}) {{
        term <- term %*% a / k
        total <- total + term
    }}
    for (k in seq_len(halvings)) total <- total %*% total
    (total %*% c(now, 1))[seq_len(n)]
}}
"""

_RK4 = """
advance <- function(now, p, f, h) {
    k1 <- one_row(now, p, f)$new
    k2 <- one_row(now + h / 2 * k1, p, f)$new
    k3 <- one_row(now + h / 2 * k2, p, f)$new
    k4 <- one_row(now + h * k3, p, f)$new
    now + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
}
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
one_row <- function(s, p, f) {{
{step.assigned("<-", 1)}
    list(new = c({", ".join(step.new)}), out = c({", ".join(step.outputs)}))
}}
"""


def _run(step: StepCode) -> str:
    arguments = ", ".join([*step.arguments, *(["intervals = 1"] if step.ode else [])])
    bounds = step.bounds("Inf")
    held = [f"now <- pmin(pmax(now, c({bounds[0]})), c({bounds[1]}))"] if bounds else []
    places = ", ".join(str(place + 1) for place in step.observed)
    observed = f"now[c({places})], " if step.observed else ""
    rows = f"length({step.forcings[0]})" if step.forcings else "rows"
    called = ["result <- one_row(now, p, f)"]
    loop = step.row(
        called if step.ode else [*called, "now <- result$new"], held,
        f"outputs[t, ] <- c({observed}result$out)",
        (f"for (l in seq_len({step.substeps})) {{",
         f"now <- advance(now, p, f, intervals[t] / {step.substeps})", "}"),
    )  # fmt: skip
    head = [f"    {name} <- {value!r}" for name, value in step.constants]
    head += ["    intervals <- rep_len(intervals, rows)"] if step.ode else []
    lines = "\n".join(f"        {line}" for line in loop)
    first = "" if rows == "rows" else f"    rows <- {rows}\n"
    before = "".join(f"{line}\n" for line in head)
    return f"""
#' Simulate one group; forcings are vectors, the others numbers.
#' @return states (rows + 1 by {len(step.states)}), outputs in the order
#'   {", ".join(step.targets)}
run <- function({arguments}) {{
{first}{before}    p <- c({", ".join(step.parameters)})
    now <- c({", ".join(step.starts())})
    states <- matrix(0, rows + 1, {len(step.states)})
    outputs <- matrix(0, rows, {len(step.targets)})
    states[1, ] <- now
    for (t in seq_len(rows)) {{
        f <- c({", ".join(f"{name}[t]" for name in step.forcings)})
{lines}
        states[t + 1, ] <- now
    }}
    list(states = states, outputs = outputs)
}}
"""
