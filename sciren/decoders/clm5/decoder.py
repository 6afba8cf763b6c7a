"""Soil carbon of CLM5 at steady state as a decoder: 20 layers, 7 pools, 21 parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from sciren.decoders.base import Decoder
from sciren.decoders.clm5 import balance as account
from sciren.decoders.clm5.equation import matrix_equation
from sciren.decoders.clm5.forcing import DECLARED, NEEDED, CLM5Forcing
from sciren.decoders.clm5.geometry import INTERFACES, LAYERS
from sciren.decoders.clm5.observe import at_depth, check_depths, depth_weights, stock
from sciren.decoders.clm5.parameters import (
    NAMES,
    PRIORS,
    SENSITIVE,
    check_unit,
    fixed_values,
    position,
    to_physical,
)
from sciren.decoders.clm5.sites import Sites, sites_of
from sciren.decoders.clm5.solve import CarbonAt, Pools, Problem, solve
from sciren.decoders.clm5.transient import (
    Cycle,
    Run,
    monthly,
    run,
    yearly,
    yearly_cycle,
)
from sciren.decoders.clm5.transport import RULES, Rule
from sciren.errors import DataError, DecoderError, ShapeError
from sciren.parameters import Forcing

Fixed = str | Mapping[str, float]


class CLM5SoilCarbon(Decoder):
    """Soil carbon of CLM5 at steady state, 20 layers and 7 pools.

        (V - A diag(K)) Y = I,   soc = Y_S1 + Y_S2 + Y_S3 at the observed depth

    One row is one observation: target ``soc`` (gC m-3) at forcing ``depth`` (m), with
    the forcing of its site. A profile with five depths is five rows, grouped by site
    (``groups=``) so that its rows stay together in every split and resample. For
    training bind the sites with `at_sites`: rows then carry a site number only.

    Args:
        predicted: parameters that the encoder predicts, any of the 21.
        constants: parameters learned as one number for all rows.
        fixed: values of the rest: "mid" of the prior (as the paper), "clm5" (bounded by
            the prior), or name -> physical value with the rest in the middle.
        transport: "published", or "conservative" to close the mass balance.
    Raises:
        ParameterError: an unknown parameter, or a fixed value outside its prior.
        DecoderError: an unknown transport rule, or a parameter named twice.
    Reference: Xu et al., ScIReN, appendix on CLM5; CLM5 technical note, chapter on
    decomposition; Lu et al. 2020 for the matrix form.
    """

    expensive = True  # solves 140 pools a row

    def __init__(
        self,
        predicted: Sequence[str] = SENSITIVE,
        constants: Sequence[str] = (),
        fixed: Fixed = "mid",
        transport: Rule = "published",
    ) -> None:
        if transport not in RULES:
            raise DecoderError(
                f"transport {transport!r} is not known; use one of {', '.join(RULES)}"
            )
        self.transport: Rule = transport
        self.fixed = fixed
        self.values = fixed_values(fixed)
        self.predicted = tuple(NAMES[position(name)] for name in predicted)
        self.shared = tuple(NAMES[position(name)] for name in constants)
        named = [*self.predicted, *self.shared]
        if len(set(named)) != len(named):
            raise DecoderError(f"soil carbon parameters {named} name one twice")
        declared = [PRIORS[position(name)].parameter() for name in self.predicted]
        declared += [
            PRIORS[position(n)].parameter("constant", self.values[position(n)])
            for n in self.shared
        ]
        super().__init__(
            "clm5",
            declared,
            forcings=self._forcings(),
            targets=("soc",),
            target_units={"soc": "gC m-3"},
        )

    def _forcings(self) -> tuple[Forcing, ...]:
        return DECLARED

    def settings(self) -> dict[str, Any]:
        """Arguments that rebuild this decoder."""
        fixed = self.fixed if isinstance(self.fixed, str) else dict(self.fixed)
        return {
            "predicted": list(self.predicted),
            "constants": list(self.shared),
            "fixed": fixed,
            "transport": self.transport,
        }

    def equation_latex(self) -> str:
        """Matrix equation; predicted parameters by name, fixed ones as numbers."""
        values = dict(zip(NAMES, self.values, strict=True))
        return matrix_equation((*self.predicted, *self.shared), values)

    def at_sites(self, forcing: CLM5Forcing) -> "SiteSoilCarbon":
        """Return this decoder bound to its sites; rows then name site and depth."""
        return SiteSoilCarbon(forcing, **self.settings())

    # -- as a decoder, physical values --------------------------------------------------
    def __call__(self, p: Any, f: Any) -> Tensor:
        """Return soc (n,), gC m-3.

        Args:
            p: predicted parameters and constants (n,), physical values.
            f: depth (n,), m, and the site's forcing, as in `CLM5Forcing`.
        Raises:
            ParameterError: a parameter outside its prior; names row and parameter.
            DataError: impossible forcing or depth; names row and variable.
        """
        forcing = CLM5Forcing(**{name: getattr(f, name) for name in NEEDED})
        return self._observed(p, f.depth, forcing, None)

    def _observed(
        self, p: Any, depth: Tensor, forcing: CLM5Forcing, rows: Tensor | None
    ) -> Tensor:
        check_depths(depth)
        sites = sites_of(forcing, self.transport, self._fixed_q10())
        readout = CarbonAt(*depth_weights(depth))
        return solve(self._physical(p, depth), Problem(sites, readout, rows))

    def _fixed_q10(self) -> float | None:
        known = "q10" in self.predicted or "q10" in self.shared
        return None if known else self.values[position("q10")]

    def _physical(self, p: Any, like: Tensor) -> Tensor:
        """All 21 parameters (21, n)."""
        n = len(like)
        # Doubles whatever the encoder works in: rates span thirty decades.
        values = torch.tensor(self.values, dtype=torch.float64, device=like.device)
        columns = list(values.unsqueeze(1).expand(-1, n).unbind(0))
        named = (*self.predicted, *self.shared)
        for name in named:
            columns[position(name)] = getattr(p, name).double().expand(n)
        given = torch.stack(
            [columns[position(name)] for name in named], dim=-1
        ).detach()
        low = given.new_tensor([PRIORS[position(name)].low for name in named])
        high = given.new_tensor([PRIORS[position(name)].high for name in named])
        # Numerics and modes were measured inside the priors only; beyond, nothing is
        # promised.
        check_unit((given - low) / (high - low), named)
        return torch.stack(columns)

    # -- as a model, unit interval ------------------------------------------------------
    def complete(self, unit: Tensor) -> Tensor:
        """Put predicted values (..., P) among the fixed ones: (..., 21), unit interval."""
        if unit.shape[-1:] != (len(self.predicted),):
            raise ShapeError(
                f"{len(self.predicted)} parameters are predicted "
                f"({', '.join(self.predicted)}), got shape {tuple(unit.shape)}"
            )
        fixed = [
            (value - prior.low) / (prior.high - prior.low)
            for value, prior in zip(self.values, PRIORS, strict=True)
        ]
        columns = list(
            unit.new_tensor(fixed).expand(*unit.shape[:-1], len(NAMES)).unbind(-1)
        )
        for k, name in enumerate(self.predicted):
            columns[position(name)] = unit[..., k]
        return torch.stack(columns, dim=-1)

    def steady_state(self, parameters_unit: Tensor, forcing: CLM5Forcing) -> Tensor:
        """Carbon pools at steady state.

        Args:
            parameters_unit: (n, 21) in [0, 1], or (members, n, 21); nan gives nan.
            forcing: n sites.
        Returns:
            (n, 7, 20) or (members, n, 7, 20): pools debris, three litter, three soil by
            layer, gC m-3; differentiable.
        Raises:
            ParameterError: a value outside [0, 1]; names site and parameter.
            ShapeError: the number of sites differs.
            DecoderError: a layer that carbon cannot leave.
        """
        parameters = to_physical(parameters_unit)
        flat, rows = self._rows(parameters, forcing)
        pools = solve(flat, Problem(self._sites(forcing), Pools(), rows))
        # The solver runs along the sites, which it keeps last: (layer, pool, site).
        return pools.permute(2, 1, 0).reshape(*parameters.shape[:-1], 7, LAYERS)

    def _rows(
        self, parameters: Tensor, forcing: CLM5Forcing
    ) -> tuple[Tensor, Tensor | None]:
        """Parameters (21, rows) and the site of each row (None: in order)."""
        sites = len(forcing)
        if parameters.dim() not in (2, 3) or parameters.shape[-2] != sites:
            raise ShapeError(
                f"parameters have shape {tuple(parameters.shape)}, the forcing has "
                f"{sites} sites; give (sites, 21) or (members, sites, 21)"
            )
        rows = None
        if parameters.dim() == 3:
            # Members share the sites: rows refer to them, and their constants are not
            # repeated.
            rows = torch.arange(sites, device=parameters.device).repeat(len(parameters))
        return parameters.reshape(-1, len(NAMES)).T, rows

    def _sites(self, forcing: CLM5Forcing) -> Sites:
        return sites_of(forcing, self.transport)

    def soc(self, pools: Tensor) -> Tensor:
        """Soil organic carbon (..., 20) of pools (..., 7, 20), gC m-3; no litter."""
        # Debris and three pools of litter come first, the three of the soil last.
        return pools[..., 4:, :].sum(-2)

    def at_depth(self, soc: Tensor, depth: Tensor) -> Tensor:
        """Carbon at depths (n,) or (n, k) in m, of soc (n, 20); see `observe.at_depth`."""
        return at_depth(soc, depth)

    def stock(self, soc: Tensor, depth: float = INTERFACES[LAYERS - 1]) -> Tensor:
        """Carbon stock (n,) down to a depth in m, gC m-2."""
        return stock(soc, depth)

    def inputs(self, parameters_unit: Tensor, forcing: CLM5Forcing) -> Tensor:
        """Input density (n, 7, 20), gC m-3 day-1."""
        density = account.input_density(*self._one_each(parameters_unit, forcing))
        return density.permute(2, 1, 0)

    def rates(self, parameters_unit: Tensor, forcing: CLM5Forcing) -> Tensor:
        """Decomposition rates K (n, 7, 20), day-1."""
        by_layer = account.rates(*self._one_each(parameters_unit, forcing))
        return by_layer.permute(2, 1, 0)

    def mixing(
        self, parameters_unit: Tensor, forcing: CLM5Forcing
    ) -> tuple[Tensor, Tensor]:
        """Coefficients of V towards the layers above and below, (n, 20) each, day-1."""
        parameters, sites = self._one_each(parameters_unit, forcing)
        # The first two of `NAMES`.
        diffus, cryo = parameters[0], parameters[1]
        lower, upper = (
            account.combine(part, diffus, cryo).T for part in (sites.lower, sites.upper)
        )
        return lower, upper

    def respiration(
        self, pools: Tensor, parameters_unit: Tensor, forcing: CLM5Forcing
    ) -> Tensor:
        """Respiration of the column (n,), gC m-2 day-1."""
        parameters, sites = self._one_each(parameters_unit, forcing)
        return account.respiration(pools.permute(2, 1, 0), parameters, sites)

    def balance(self, parameters_unit: Tensor, forcing: CLM5Forcing) -> account.Balance:
        """Input, respiration and loss of the column, gC m-2 day-1; see `balance`."""
        parameters, sites = self._one_each(parameters_unit, forcing)
        return account.balance(parameters, forcing, sites, self.transport)

    def turnover(self, pools: Tensor, forcing: CLM5Forcing) -> Tensor:
        """Turnover time (n,), yr: all carbon of the column over its yearly input."""
        return account.turnover(pools.permute(2, 1, 0), self._sites(forcing))

    def transient(
        self,
        start: Tensor,
        parameters_unit: Tensor,
        forcing: CLM5Forcing,
        days: Sequence[float] | None = None,
        years: int = 1,
    ) -> Run:
        """Run from any pools in implicit steps; not differentiable.

        Args:
            start: (n, 7, 20) pools, gC m-3.
            parameters_unit: (n, 21).
            forcing: n sites.
            days: lengths of steps under the yearly mean; None for monthly forcing.
            years: how often the twelve months are run where days is None.
        Returns:
            The run; its pools are (n, 7, 20).
        Raises:
            ShapeError: start does not fit the sites.
            DecoderError: a step is not positive.
        """
        parameters = self._one_each(parameters_unit.detach(), forcing)[0]
        if start.shape != (len(forcing), 7, LAYERS):
            raise ShapeError(
                f"start has shape {tuple(start.shape)}; give one start a site, "
                f"({len(forcing)}, 7, {LAYERS})"
            )
        if days is not None and not all(length > 0 for length in days):
            raise DecoderError(
                f"the lengths of steps must be positive, got {list(days)}"
            )
        if days is None:
            seasons = years * monthly(parameters, forcing, self.transport)
        else:
            # An operator for each different length; equal steps share its factors.
            made = {
                length: yearly(parameters, forcing, self.transport, length)
                for length in dict.fromkeys(days)
            }
            seasons = [made[length] for length in days]
        simulated = run(start.detach().double().permute(2, 1, 0), seasons)
        return replace(simulated, pools=simulated.pools.permute(2, 1, 0))

    def yearly_cycle(
        self, parameters_unit: Tensor, forcing: CLM5Forcing, tolerance: float = 1e-10
    ) -> Cycle:
        """Yearly cycle under monthly forcing; months (12, n, 7, 20), mean (n, 7, 20).

        Raises:
            DecoderError: no cycle is reached; see `transient.yearly_cycle`.
        """
        parameters = self._one_each(parameters_unit.detach(), forcing)[0]
        cycle = yearly_cycle(parameters, forcing, self.transport, tolerance)
        months = cycle.months.permute(0, 3, 2, 1)
        return replace(cycle, months=months, mean=cycle.mean.permute(2, 1, 0))

    def _one_each(
        self, parameters_unit: Tensor, forcing: CLM5Forcing
    ) -> tuple[Tensor, Sites]:
        flat, rows = self._rows(to_physical(parameters_unit), forcing)
        if rows is not None:
            raise ShapeError("give parameters (sites, 21), one member at a time")
        return flat, self._sites(forcing)


class SiteSoilCarbon(CLM5SoilCarbon):
    """`CLM5SoilCarbon` whose sites are known: rows carry site number and depth.

    The constants of the sites are set up once, and rows (several depths of one site,
    members of an ensemble) only refer to them.

    Args:
        sites: forcing of all sites.
        settings: as for `CLM5SoilCarbon`.
    """

    def __init__(self, sites: CLM5Forcing, **settings: Any) -> None:
        self.sites = sites
        super().__init__(**settings)

    def _forcings(self) -> tuple[Forcing, ...]:
        return Forcing("site", meaning="number of the site, from 0"), DECLARED[0]

    def __call__(self, p: Any, f: Any) -> Tensor:
        """Return soc (n,), gC m-3, at depth (n,) of site (n,), counted from 0."""
        rows = f.site.long()
        # Written so that a site number of nan counts as wrong.
        wrong = ~((f.site >= 0) & (f.site < len(self.sites)) & (f.site == rows))
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0])
            raise DataError(
                f"site of row {row} is {float(f.site[row]):g}; the decoder knows sites 0 "
                f"to {len(self.sites) - 1}"
            )
        return self._observed(p, f.depth, self.sites, rows)
