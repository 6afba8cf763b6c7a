"""Discovery: one object that predicts, prints and loads what was found."""

import html
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from discovery.results.record import DiscoveryRecord
from discovery.runs.manifest import edits_accepted
from discovery.runs.predict import predict_frame
from discovery.runs.stored import load_discovery, network_of

if TYPE_CHECKING:
    import pandas as pd

    from sciren.decoders import Decoder
    from sciren.model import ScIReN


class Discovery(DiscoveryRecord):
    """What was found, as objects; the attributes are those of `DiscoveryRecord`."""

    def __repr__(self) -> str:
        """Return what was found in ten lines."""
        from discovery.report.summary import short_summary

        return short_summary(self)

    def _repr_html_(self) -> str:
        """Return the ten lines for a notebook."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def network(self, decoder: "Decoder | None" = None) -> "ScIReN":
        """Return the trained network, read from the run where that is needed.

        Args:
            decoder: process model, where it is not to be loaded from its file.
        """
        return network_of(self, decoder)

    def predict(
        self,
        frame: "pd.DataFrame",
        using: Literal["equations", "network"] = "equations",
        intervals: bool = False,
        interval: float | None = None,
    ) -> "pd.DataFrame":
        """Return targets and latents of every row of a frame, under their own names.

        Rows with a missing feature are empty; those with a missing forcing have latents.

        Args:
            frame: columns by name.
            using: the equations, or the network.
            intervals: the same as ``interval=0.95``.
            interval: probability; also the columns reco_low, reco_high (a new
                observation), reco_mean_low, reco_mean_high (its mean), rb_low, rb_high
                (latents), and outside (1 where a row lies beyond the training rows).

        Raises:
            ConfigError: there are no equations.
            ColumnError: a feature is not in the frame.
        """
        level = 0.95 if interval is None and intervals else interval
        return predict_frame(self, frame, using, level)

    @classmethod
    def load(cls, run_folder: str | Path, accept_edits: bool = False) -> Self:
        """Read a finished run; nothing in it is executed.

        The network is read when it is asked for (`network`).

        Args:
            run_folder: what `sciren discover` wrote.
            accept_edits: whether a run may be read whose files were altered since it was
                written; its notes then begin with what was.
        Raises:
            DataError: no such run, or one of its files cannot be read or was altered.
        """
        if not accept_edits:
            return load_discovery(Path(run_folder), cls)
        with edits_accepted():
            return load_discovery(Path(run_folder), cls)
