"""What every result that has a picture is to a notebook, a web page and a terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from workbench.views.style import ThemeName


class Picture(ABC):
    """A result that draws itself where it is looked at."""

    __slots__ = ()

    @abstractmethod
    def plot(self, *, theme: ThemeName = "light") -> Figure:
        """Return the picture as a plotly Figure."""

    def _line(self) -> str:
        """Return what it is in one line, for where nothing can be drawn."""
        return repr(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from workbench.views.style import display_bundle

        return display_bundle(self.plot(), self._line())

    def _repr_html_(self) -> str:
        # 5 MB: a notebook asks for the bundle instead, which the frontend's own plotly draws.
        from workbench.views.style import display_html

        return display_html(self.plot())
