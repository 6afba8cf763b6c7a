"""Observed loss as a function of all constants of closed forms and of the process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sciren.solvers.effort import Effort
from sciren.solvers.levenberg import Normal, hold
from sciren.solvers.normal_equations import assemble
from sciren.solvers.process_term import LocalModel, ProcessTerm
from sciren.solvers.whitened import WhitenedTerm
from symbolic.options import DOMAIN_MARGIN
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.shape_rules import ShapeRules
from symbolic.terms.structure import LatentStructure

RIDGE = 1e-10
"""Of a constant per squared size: about the rounding of the normal equations, so that it
decides between constants that the data do not tell apart and moves no other."""


LARGEST_LOG = 300.0
"""Of a positive constant, which is varied in logs: 1e-130 to 1e130. Products of a few such
constants stay within doubles (logs of 709), where sums of squares do not yet overflow."""

NEARER = tuple(10.0**-k for k in range(9))
"""Shares of the margin that an edge still keeps which begins within it. The last is above
what raw units lose by rounding: 0.02 times 1e-8 of a range, of which doubles hold 1e-16."""


class SymbolicProblem:
    """Observed loss as a function of the constants of all latents and the process.

    theta: the packed constants of every latent, then the process constants on their
    training scale. Members share the structure.

    Args:
        term: observed loss of some rows.
        scaled: (n, d) scaled features of these rows.
        structures: one for each latent, in the model's order.
        rules: shapes that the user requires of edges.
        domain_margin: share of the data range that poles keep away on either side.
    """

    profile_effort = Effort(rows=20_000, steps=30, tolerance=1e-9)

    def __init__(
        self,
        term: ProcessTerm,
        scaled: Tensor,
        structures: Sequence[LatentStructure],
        rules: ShapeRules | None = None,
        domain_margin: float = DOMAIN_MARGIN,
    ) -> None:
        self.term, self.scaled, self.rules = term, scaled, rules
        self.domain_margin = domain_margin
        self.z = scaled.cpu().numpy()
        self.structures = tuple(structures)
        sizes = [structure.size for structure in self.structures]
        # latent k owns theta[cuts[k] : cuts[k + 1]],
        # process constants what follows the last cut
        self.cuts = np.cumsum([0, *sizes]).tolist()
        self.n_constants = term.n_constants
        self.size = self.cuts[-1] + self.n_constants
        low, high = term.model.constant_scale.box()
        # A limit that the data draw towards infinity (a response that stays straight)
        # ends at a number, which files can hold.
        logs = term.model.constant_scale.in_logs
        low = torch.where(logs, low.clamp_min(-LARGEST_LOG), low)
        high = torch.where(logs, high.clamp_max(LARGEST_LOG), high)
        self.low, self.high = low.to(scaled), high.to(scaled)
        # Redundant constants (an offset beside a log, the scale of a second factor) are packed
        # but held: the normal matrix would be singular in them.
        flat = [flag for structure in self.structures for flag in structure.free]
        flat += [True] * self.n_constants
        self.active = torch.tensor([flat], device=scaled.device)
        self.low_z, self.high_z = self.z.min(0), self.z.max(0)
        self.middle = self.start(torch.zeros(self.n_constants))[0]
        # relative to the size of each constant, so that units do not matter
        self.ridge = RIDGE / self.middle.abs().clamp_min(1.0).pow(2)
        self.ridge[self.cuts[-1] :] = 0.0
        self.prior = self._prior()

    def _prior(self) -> Tensor | None:
        """Penalty (P, P) that the forms bring with them, such as that of classes."""
        whole, held = torch.zeros(self.size, self.size).to(self.scaled), False
        count = self.term.observations.count
        for cut, structure in zip(self.cuts, self.structures, strict=False):
            for edge, start in zip(structure.all_edges, structure.starts, strict=True):
                penalty = None if edge.form is None else edge.form.penalty()
                if penalty is not None:
                    # the penalty of a form acts on its own constants only
                    place = slice(cut + start, cut + start + edge.size)
                    # penalties count sums of squares, the loss is a mean over observations
                    whole[place, place] = torch.from_numpy(penalty / count).to(whole)
                    held = True
        return whole if held else None

    def with_active(self, active: Tensor) -> "SymbolicProblem":
        """Return the problem in which only some parameters (S, P) may move."""
        return self._changed(active=active & self.active[:1])

    def with_term(self, term: ProcessTerm) -> "SymbolicProblem":
        """Return the problem with another observed loss on the same rows."""
        return self._changed(term=term)

    def _changed(self, **changes: object) -> "SymbolicProblem":
        # a shallow copy: packing and ranges of the data are the same and dear to make anew
        other = object.__new__(SymbolicProblem)
        other.__dict__.update(self.__dict__ | changes)
        return other

    @property
    def free(self) -> Tensor:
        """(P,) bool: parameters that are really free."""
        return self.active[0]

    def penalties(self, theta: Tensor) -> Tensor | None:
        """Return what penalties add to the matrix (P, P)."""
        return self.prior

    def start(self, constants: Tensor) -> Tensor:
        """Pack structures and raw process constants (K,) into theta (1, P)."""
        packed = np.concatenate([structure.pack() for structure in self.structures])
        front = torch.from_numpy(packed).to(self.scaled)
        return torch.cat((front, constants.detach().to(self.scaled))).unsqueeze(0)

    def structures_at(self, theta: Tensor) -> tuple[LatentStructure, ...]:
        """Return the structures with the constants of one member (P,)."""
        # forms are numpy in double precision, whatever device the process runs on
        values = theta.detach().cpu().numpy()
        return tuple(
            structure.unpack(values[self.cuts[k] : self.cuts[k + 1]])
            for k, structure in enumerate(self.structures)
        )

    def constants_of(self, theta: Tensor) -> Tensor:
        """Raw process constants (S, K)."""
        return theta[:, self.cuts[-1] :]

    def raw(self, theta: Tensor) -> Tensor:
        """Raw latents (S, n, L)."""
        # Formulas cost little beside the process, so
        # members are a plain loop here and one batch there.
        members = [
            np.stack(
                [structure.value(self.z) for structure in self.structures_at(row)],
                axis=1,
            )
            for row in theta
        ]
        return torch.from_numpy(np.stack(members)).to(self.scaled)

    def _pull(self, theta: Tensor) -> Tensor:
        """Gradient (S, P) of a trace of ridge towards the start, free of units."""
        return self.ridge * (theta - self.middle)

    def loss(self, theta: Tensor, members: Tensor) -> Tensor:
        """Observed loss (S,) with a trace of ridge."""
        observed = self.term.loss(self.raw(theta), self.constants_of(theta), members)
        return (
            observed
            + (self._pull(theta) * (theta - self.middle)).sum(1)
            + (0.0 if self.prior is None else ((theta @ self.prior) * theta).sum(1))
        )

    def normal(self, theta: Tensor, members: Tensor) -> Normal:
        """Loss and normal equations."""
        # Half gradients as everywhere in the solver: loss(theta + d) = loss + 2 g'd + d' M d,
        # so a penalty w d^2 adds w d to g and w to the diagonal of M.
        raw, constants = self.raw(theta), self.constants_of(theta)
        designs = self._designs(theta)
        if isinstance(self.term, WhitenedTerm):
            normal = self.term.normal(raw, constants, members, designs)
        else:
            normal = assemble(self.term.local(raw, constants, members), designs)
        pull = self._pull(theta)
        full = Normal(
            normal.loss + (pull * (theta - self.middle)).sum(1),
            normal.gradient + pull,
            normal.matrix + torch.diag(self.ridge),
        )
        if self.prior is not None:
            drawn = theta @ self.prior
            full = Normal(
                full.loss + (drawn * theta).sum(1),
                full.gradient + drawn,
                full.matrix + self.prior,
            )
        return hold(
            full, self.active if len(self.active) == 1 else self.active[members]
        )

    def _designs(self, theta: Tensor) -> list[Tensor]:
        members = [self.structures_at(row) for row in theta]
        return [
            torch.from_numpy(
                np.stack([member[k].by_constants(self.z) for member in members])
            ).to(self.scaled)
            for k in range(len(self.structures))
        ]

    def by_row(self, theta: Tensor) -> tuple[LocalModel, list[Tensor]]:
        """Row-wise quadratic model and designs (n, P_l) of one member (1, P)."""
        member = torch.zeros(1, dtype=torch.long)
        raw, constants = self.raw(theta), self.constants_of(theta)
        local = self.term.local(raw, constants, member)
        return local, [design[0] for design in self._designs(theta)]

    def normals_of(self, theta: Tensor, parts: Sequence[Tensor]) -> list[Normal]:
        """Shares of sets of rows (positions) in the normal equations of theta (1, P)."""
        member = torch.zeros(1, dtype=torch.long)
        raw, constants = self.raw(theta), self.constants_of(theta)
        designs = self._designs(theta)
        if isinstance(self.term, WhitenedTerm):
            own = [design[0] for design in designs]
            return self.term.normals_of_parts(raw, constants, own, parts)
        return [
            assemble(
                self.term.part(rows).local(raw[:, rows], constants, member),
                [design[:, rows] for design in designs],
            )
            for rows in parts
        ]

    def retract(self, trial: Tensor, theta: Tensor, members: Tensor) -> Tensor:
        """Return a trial (S, P) with constants in their bounds, poles off the data, shapes kept.

        Args:
            theta: (S, P) where the step begins, which is allowed.
        """
        held = trial.clone()
        cut = self.cuts[-1]
        # Process constants have a box of their own, so clipping each is the projection.
        held[:, cut:] = trial[:, cut:].clamp(self.low, self.high)
        for member in range(len(held)):
            self._keep_domain(held[member], theta[member])
            if self.rules is not None:
                self._keep_rules(held[member], theta[member], self.rules)
        return held

    def _keep_rules(self, trial: Tensor, theta: Tensor, rules: ShapeRules) -> None:
        """Stop the constants of every direct edge where its shape would be lost."""
        for k, structure in enumerate(self.structures_at(trial)):
            # the offset of the latent comes first
            place = self.cuts[k] + 1
            for edge in structure.edges:
                here = slice(place, place + edge.size)
                place += edge.size
                if rules.obeyed(k, edge):
                    continue
                # The whole step of this edge is shortened, not single constants of it: a shape
                # belongs to all of them together.
                before, step = theta[here].clone(), trial[here] - theta[here]
                share = _largest_share(
                    edge, before.tolist(), step.tolist(), partial(rules.obeyed, k)
                )
                # Exactly the old values where nothing is left of the step, because
                # `held_at_bounds` recognises a stopped constant by its not having moved at all.
                moved = share * step
                still = bool((moved.abs() <= 1e-9 * (1 + before.abs())).all())
                trial[here] = before if still else before + moved

    def _keep_domain(self, trial: Tensor, theta: Tensor) -> None:
        """Stop the inner constants of every edge where its domain would cut the data.

        An edge that begins nearer to the data than the margin comes no nearer; one that is
        outside its domain already may go anywhere.
        """
        for k, structure in enumerate(self.structures_at(trial)):
            for edge, start in zip(structure.all_edges, structure.starts, strict=True):
                # the amplitude comes first and moves no pole
                if edge.form is None or self._feasible(edge, edge.constants[1:]):
                    continue
                place = self.cuts[k] + start
                inner = slice(place + 1, place + edge.size)
                before, step = theta[inner], trial[inner] - theta[inner]
                margin = self._margin(edge, before.tolist())
                if margin is None:
                    continue
                share = self._feasible_share(
                    edge, before.tolist(), step.tolist(), margin
                )
                moved = share * step
                still = bool((moved.abs() <= 1e-9 * (1 + before.abs())).all())
                trial[inner] = before if still else before + moved

    def _margin(self, edge: EdgeTerm, inner: Sequence[float]) -> float | None:
        """Return the share of the range that an edge keeps free, None where it is undefined."""
        # Beyond its domain a form goes on along a tangent that no equation has, and the fit
        # would take it for the better one.
        margins = (self.domain_margin * share for share in NEARER)
        return next((m for m in margins if self._feasible(edge, inner, m)), None)

    def _feasible(
        self, edge: EdgeTerm, inner: Sequence[float], margin: float | None = None
    ) -> bool:
        assert edge.form is not None
        margin = self.domain_margin if margin is None else margin
        low, high = self.low_z[edge.source], self.high_z[edge.source]
        # a form is asked with all its constants: amplitude,
        # inner ones, and an offset that does not matter
        full = np.array([edge.constants[0] if edge.size else 0.0, *inner, 0.0])
        return edge.form.feasible(full, low, high, margin)

    def _feasible_share(
        self,
        edge: EdgeTerm,
        before: Sequence[float],
        step: Sequence[float],
        margin: float,
    ) -> float:
        """Largest share of a step of the inner constants that keeps the domain."""
        # Bisection; 50 halvings reach the rounding of
        # a double. The start of the step is feasible.
        low, high = 0.0, 1.0
        for _ in range(50):
            share = (low + high) / 2
            inner = [
                old + share * change for old, change in zip(before, step, strict=True)
            ]
            allowed = self._feasible(edge, inner, margin)
            low, high = (share, high) if allowed else (low, share)
        return low

    def held_at_bounds(self, normal: Normal, theta: Tensor) -> tuple[Normal, Tensor]:
        """Hold what a bound or a domain stops on the way of a full step from theta (1, P).

        Returns:
            Normal equations, and (1, P) bool: parameters that may move.
        """
        members = torch.zeros(1, dtype=torch.long)
        # Active set: solve, see what the full step runs into, hold that, and solve for the
        # others. At least one parameter is held each time, so it ends.
        moving = self.active[:1].clone()
        for _ in range(self.size):
            held = hold(normal, moving)
            step = newton_step(held)
            trial = self.retract(theta + step, theta, members)
            # a step at the level of rounding is no sign of a bound
            stopped = (trial == theta) & (step.abs() > 1e-9 * (1 + theta.abs()))
            if not bool((stopped & moving).any()):
                break
            moving = moving & ~stopped
        return hold(normal, moving), moving


def _largest_share(
    edge: EdgeTerm,
    before: Sequence[float],
    step: Sequence[float],
    allowed: Callable[[EdgeTerm], bool],
) -> float:
    """Largest share of a step of an edge's constants that is allowed, 0 if none is."""
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        at = (old + share * change for old, change in zip(before, step, strict=True))
        fits = allowed(replace(edge, constants=tuple(at)))
        low, high = (share, high) if fits else (low, share)
    return low


def newton_step(normal: Normal) -> Tensor:
    """Undamped step (S, P), solved on the scale of the diagonal."""
    # Constants of different units make the matrix badly scaled; a unit diagonal does not change
    # the step but its rounding errors. 1e-12 keeps the inverse where two columns are equal.
    scale = normal.matrix.diagonal(dim1=-2, dim2=-1).clamp_min(1e-300).sqrt()
    scaled = normal.matrix / (scale.unsqueeze(-1) * scale.unsqueeze(-2))
    eye = 1e-12 * torch.eye(scaled.shape[-1]).to(scaled)
    right = (normal.gradient / scale).unsqueeze(-1)
    return -(torch.linalg.inv(scaled + eye) @ right).squeeze(-1) / scale
