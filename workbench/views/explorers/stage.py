"""What a trajectory is played on: plotly up to some thousands of sightings, our WebGL beyond.

Both stages say what was clicked, brushed or lassoed in the same words; positions are rows of the
sightings given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import ipywidgets as W
import numpy as np
import pandas as pd

from workbench.views.explorers.playback import Seen

Stretch = tuple[pd.Timestamp, pd.Timestamp]
"""A time from the first to before the second."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what a hand did.

    ``clicked(row, html)``: a sighting and what is known of it; ``brushed(stretch)``: a time was
    chosen, or None; ``lassoed(rows)``: which sightings are inside, or None.
    """

    clicked: Callable[[int, str], None]
    brushed: Callable[[Stretch | None], None]
    lassoed: Callable[[np.ndarray | None], None]


class Stage(Protocol):
    """A map and a timeline that can be played, clicked, brushed and lassoed."""

    widgets: list[W.Widget]
    seen: Seen

    def listen(self, listener: Listener) -> None:
        """Tell it from now on."""

    def show(self, us: int, trail_s: float) -> None:
        """Show a moment, with the path of the last seconds."""

    def restrict(self, stretch: Stretch | None, inside: np.ndarray | None) -> None:
        """Show what is chosen: a time, and which sightings (true for each that is inside)."""
