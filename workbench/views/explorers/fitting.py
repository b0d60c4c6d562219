"""Pictures of plotly in a box: as wide as their room, and after a reload as they are now."""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets as W
import plotly.graph_objects as go

from workbench.views.style import CONFIG

_ESM = """
// A FigureWidget is drawn before it stands on the page, at plotly's own width, and listens to the
// window alone afterwards: so the window speaks when a picture appears or its room changes.
// Not while the page is hidden, as Voila's is until all has run: pictures would get no height.
// And plotly's widget marks what comes from Python with a property plotly.js does not know, which
// for an unknown one draws everything anew: here it learns that this one changes nothing.
const tell = () => {
  if (document.querySelector(".wb-fitted")?.getClientRects().length) {
    window.dispatchEvent(new Event("resize"));
  }
};

const MARK = "_doNotReportToPy";
const teach = (picture) => {
  const known = picture._fullLayout?._modules?.find((one) => one.layoutAttributes);
  if (known) known.layoutAttributes[MARK] ??= { valType: "any", editType: "none" };
};

function render({ el }) {
  let seen = null;
  const sizes = new ResizeObserver(tell);
  const drawn = new MutationObserver(() => look());
  function look() {
    const box = el.isConnected && el.closest(".wb-fitted");
    if (!box) { seen = setTimeout(look, 50); return; }
    const pictures = [...box.querySelectorAll(".js-plotly-plot")];
    pictures.filter(one => !one.wbFitted && one.querySelector(".main-svg")).forEach(one => {
      one.wbFitted = true;
      teach(one);
      sizes.observe(one.parentElement);
    });
    if (!drawn.wbStarted) {
      drawn.wbStarted = true;
      drawn.observe(box, { childList: true, subtree: true });
    }
  }
  look();
  return () => { clearTimeout(seen); sizes.disconnect(); drawn.disconnect(); };
}
export default { render };
"""


class Fitting(anywidget.AnyWidget):
    """Shows nothing; keeps pictures as wide as their room in the box of class ``wb-fitted``."""

    _esm = _ESM

    def __repr__(self) -> str:
        return "Fitting()"


def close_all(widget: W.Widget) -> None:
    """Close a widget and all that is in it: a page and a kernel keep what nobody closes."""
    for part in getattr(widget, "children", ()):
        close_all(part)
    for own in (getattr(widget, name, None) for name in ("drawing", "layout", "style")):
        if isinstance(own, W.Widget):
            own.close()
    widget.close()


class Drawing(go.FigureWidget):
    """A figure that is, for a page that opens late, what it is now.

    plotly keeps what it was made with beside what it is, and gives the former to a page that opens
    or is reloaded (Voila opens every page when all cells have run) unless the figure is displayed
    by itself, which in a box it is not.
    """

    _made = False
    _config: dict[str, Any]

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(figure)
        self._made = True

    def put_shapes(self, shapes: list[dict[str, Any]]) -> None:
        """Show these shapes instead of those there are.

        All of them at once: plotly draws its traces anew when a place of one shape changes, but
        not when the list of them is another.
        """
        self.plotly_relayout({"shapes": shapes})

    def boxed(self, name: str, *, wheel: bool = True) -> W.Output:
        """Return it in an output of its own: bare in a box it stays empty after a reload.

        Parameters
        ----------
        name : str
            Its class is ``wb-`` and this.
        wheel : bool
            Whether the wheel of the mouse zooms.
        """
        self._config = self._config | CONFIG | {"scrollZoom": wheel}
        view = {"model_id": self.model_id, "version_major": 2, "version_minor": 0}
        data = {"application/vnd.jupyter.widget-view+json": view, "text/plain": f"the {name}"}
        out = W.Output(outputs=({"output_type": "display_data", "data": data, "metadata": {}},))
        out.add_class(f"wb-{name}")
        out.drawing = self
        return out

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """Return the state for a page: what is drawn now."""
        if key is None and self._made:
            # Past the setters: they would send the page that is there all of it again.
            self._trait_values["_widget_data"] = _known(self._data)
            self._trait_values["_widget_layout"] = _known(self._layout_obj._props)
        return super().get_state(key=key, drop_defaults=drop_defaults)


def _known(value: Any) -> Any:
    """Return a copy without what the browser left undefined: plotly's mark for it has no copy."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items() if type(part) is not object}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return value
