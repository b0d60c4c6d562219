"""The buttons that play a trajectory: play, pause, step, jump, speed, trail."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

SPEEDS = (0.5, 1, 2, 5, 10, 30, 60)
TRAILS = {"no trail": 0.0, "10 s": 10.0, "1 min": 60.0, "5 min": 300.0, "1 h": 3600.0}
_TICK_MS = 100
_LARGEST = 2**31 - 1  # what a slider can count to
_FINEST_US = 10_000


class Player(W.VBox):
    """A moment within a span, to be played.

    Parameters
    ----------
    first, last : int
        The span, microseconds since 1970.
    preceding, following, dark_until : callable
        Given a moment: when the sighting before, the one after is; and when somebody is seen
        again if nobody is now (None else).
    """

    def __init__(
        self,
        first: int,
        last: int,
        *,
        preceding: Callable[[int], int | None],
        following: Callable[[int], int | None],
        dark_until: Callable[[int], int | None],
    ) -> None:
        self.first, self.last = first, last
        self._unit = max(_FINEST_US, -(-(last - first) // _LARGEST))
        self._preceding, self._following, self._dark = preceding, following, dark_until
        self._listeners: list[Callable[[int], None]] = []
        most = max(1, -(-(last - first) // self._unit))
        usual = 60 if last - first > 600_000_000 else 10
        self.play = W.Play(min=0, max=most, step=1, interval=_TICK_MS, show_repeat=False)
        self.slider = W.IntSlider(min=0, max=most, readout=False, layout={"flex": "1 1 auto"})
        W.jslink((self.play, "value"), (self.slider, "value"))
        self.speed = W.Dropdown(
            options=[(f"{one:g}×", one) for one in SPEEDS], value=usual, description="speed",
            layout={"width": "130px"}, style={"description_width": "45px"},
        )  # fmt: skip
        self.trail = W.Dropdown(
            options=list(TRAILS.items()), value=60.0, description="trail",
            layout={"width": "130px"}, style={"description_width": "40px"},
        )  # fmt: skip
        self.skip = W.Checkbox(
            value=True, indent=False, description="skip the time nobody saw",
            layout={"width": "auto"},
        )  # fmt: skip
        self.clock = W.HTML(layout={"min_width": "190px"})
        super().__init__([self._buttons(), W.HBox([self.slider, self.clock])])
        self._set_step()
        self.speed.observe(lambda _: self._set_step(), "value")
        self.trail.observe(lambda _: self._tell(), "value")
        self.slider.observe(self._moved, "value")
        self.add_class("wb-player")

    def _buttons(self) -> W.HBox:
        def button(text: str, tip: str, name: str, press: Callable[[], None]) -> W.Button:
            made = W.Button(description=text, tooltip=tip, layout={"width": "auto"})
            made.add_class(f"wb-{name}")
            made.on_click(lambda _: press())
            return made

        return W.HBox(
            [
                self.play,
                button("‹ step", "one step of the speed back", "back", lambda: self.step(-1)),
                button("step ›", "one step of the speed on", "on", lambda: self.step(1)),
                button("« sighting", "to the sighting before", "preceding", self.to_preceding),
                button("sighting »", "to the next sighting", "following", self.to_following),
                self.speed,
                self.trail,
                self.skip,
            ],
            layout={"flex_flow": "row wrap", "align_items": "center"},
        )

    @property
    def now(self) -> int:
        """Return the moment shown, microseconds since 1970."""
        return min(self.first + self.slider.value * self._unit, self.last)

    @now.setter
    def now(self, us: int) -> None:
        # Rounded up: a sighting that is jumped to has begun.
        self.slider.value = -(-(max(us, self.first) - self.first) // self._unit)

    def on_move(self, listener: Callable[[int], None]) -> None:
        """Call a function with the moment whenever it, or the trail, is another."""
        self._listeners.append(listener)

    def step(self, ways: int) -> None:
        """Go as far as a second of playing goes, forwards or back."""
        self.now = self.now + ways * round(self.speed.value * 1e6)

    def to_preceding(self) -> None:
        """Go to the sighting before."""
        found = self._preceding(self.now)
        self.now = self.first if found is None else found

    def to_following(self) -> None:
        """Go to the next sighting."""
        found = self._following(self.now)
        if found is not None:
            self.now = found

    def stop(self) -> None:
        """Stop playing, and tell nobody of a moment any more: for what leaves the page.

        A page goes on playing what it does not show, and plotly fails at what it has taken away.
        """
        self._listeners.clear()
        self.play.playing = False

    def _set_step(self) -> None:
        self.play.step = max(1, round(self.speed.value * 1000 * _TICK_MS / self._unit))

    def _moved(self, _: object) -> None:
        if self.play.playing and self.skip.value:
            lit = self._dark(self.now)
            if lit is not None and lit - self.now > 2 * self.play.step * self._unit:
                self.now = lit
                return
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self.now)

    def __repr__(self) -> str:
        return "Player()"
