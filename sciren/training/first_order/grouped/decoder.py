"""A process model evaluated for many members at once."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Literal

import torch
from torch import Tensor

from sciren.decoders.base import Decoder
from sciren.decoders.process import IdentityDecoder
from sciren.errors import DecoderError

Way = Literal["single", "broadcast", "rows", "members"]


class GroupedDecoder:
    """Targets of U x m members on B rows each.

    Ways to evaluate: "single", one member as everywhere else; "broadcast", all members in
    one call with arrays (U, m, B), where the process model is found to allow that; "rows",
    all members below each other; "members", one call a member, for process models that
    mix rows.

    Args:
        decoder: the process model.
        members: number of members.
    """

    def __init__(self, decoder: Decoder, members: int) -> None:
        self.decoder = decoder
        self.way: Way = "rows" if decoder.rowwise else "members"
        if members == 1:
            self.way = "single"
        self._checked = False

    @torch.no_grad()
    def probe(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> None:
        """Find out whether arrays with members in front give the same; see `evaluate`."""
        if self.way != "rows" or any(part.dim() > 2 for part in forcings.values()):
            return
        # By rows is always right for a rowwise process; the faster way must say the
        # same.
        expected = self.evaluate(latents, constants, forcings)
        self.way = "broadcast"
        try:
            together = self.evaluate(latents, constants, forcings)
        except Exception:  # whatever a user's function raises on other shapes
            self.way = "rows"
            return
        if not all(
            torch.allclose(a, b, rtol=1e-4, equal_nan=True)
            for a, b in zip(expected, together, strict=True)
        ):
            self.way = "rows"

    def evaluate(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> list[Tensor]:
        """Run the process model.

        Args:
            latents: (L, U, m, B) physical values;  constants: (K, U, m).
            forcings: name -> (U, B, ...) or (1, B, ...).
        Returns:
            Each target (U, m, B).
        """
        match self.way:
            case "broadcast":
                return self._broadcast(latents, constants, forcings)
            case "members":
                return self._one_by_one(latents, constants, forcings)
            case "single":
                return self._single(latents, constants, forcings)
        return self._by_row(latents, constants, forcings)

    def _single(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> list[Tensor]:
        """One member as everywhere else; what it returns is checked the first time."""
        decoder, shape = self.decoder, latents.shape[1:]
        if not self._checked:
            # The first call goes through `evaluate`, whose checks name a wrong shape or
            # target.
            self._checked = True
            return self._by_row(latents, constants, forcings)
        if isinstance(decoder, IdentityDecoder):
            return list(latents.unbind(0))
        # (L, 1, 1, B) to L views of (B,): later calls skip all wrapping.
        count = shape[-1]
        rows = [part.view(count) for part in latents.unbind(0)]
        same = [
            part.expand(1, count).view(count) for part in constants.flatten(1).unbind(0)
        ]
        names = (*decoder.latent_names, *decoder.constant_names)
        p = SimpleNamespace(**dict(zip(names, (*rows, *same), strict=True)))
        f = SimpleNamespace(**{name: forcings[name][0] for name in decoder.forcings})
        return [self._whole(part, shape) for part in self._columns(decoder(p, f))]

    @staticmethod
    def _whole(column: Any, shape: torch.Size) -> Tensor:
        return torch.as_tensor(column).expand(shape[-1]).view(shape)

    def _columns(self, result: Any) -> Sequence[Any]:
        if isinstance(result, Mapping):
            return [result[name] for name in self.decoder.targets]
        return [result] if len(self.decoder.targets) == 1 else list(result)

    def _by_row(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> list[Tensor]:
        shape = latents.shape[1:]
        # (U m B, L): members below each other, as rows of one long table.
        rows = latents.flatten(1).T
        spread = constants.unsqueeze(-1).expand(-1, *shape).flatten(1).T
        below = {
            name: part.unsqueeze(1)
            .expand(*shape[:2], *part.shape[1:])
            .reshape(-1, *part.shape[2:])
            for name, part in forcings.items()
        }
        columns = self.decoder.evaluate(rows, spread, below)
        return [column.view(shape) for column in columns.unbind(1)]

    def _broadcast(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> list[Tensor]:
        decoder, shape = self.decoder, latents.shape[1:]
        names = (*decoder.latent_names, *decoder.constant_names)
        # Constants (U, m, 1) beside latents (U, m, B).
        values = (*latents.unbind(0), *constants.unsqueeze(-1).unbind(0))
        p = SimpleNamespace(**dict(zip(names, values, strict=True)))
        f = SimpleNamespace(**{n: forcings[n].unsqueeze(1) for n in decoder.forcings})
        columns = self._columns(decoder(p, f))
        if len(columns) != len(decoder.targets):
            raise DecoderError(
                f"decoder {decoder.name!r} does not take members in front"
            )
        return [torch.as_tensor(column).expand(shape) for column in columns]

    def _one_by_one(
        self, latents: Tensor, constants: Tensor, forcings: Mapping[str, Tensor]
    ) -> list[Tensor]:
        streams, each, rows = latents.shape[1:]
        evaluated = [
            self.decoder.evaluate(
                latents[:, u, k].T,
                constants[:, u, k].expand(rows, -1),
                {name: part[min(u, len(part) - 1)] for name, part in forcings.items()},
            )
            for u in range(streams)
            for k in range(each)
        ]
        outputs = torch.stack(evaluated).view(streams, each, rows, -1)
        return list(outputs.unbind(-1))
