"""What a mark that moves says under the mouse: shapes of plotly, of their own, say nothing."""

from __future__ import annotations

import anywidget

_ESM = r"""
// Shapes take no part in plotly's hovers, nor in its clicks: a dot below one can still be clicked.
// What a shape says is its name, with plotly's own <b> and <br>; everything else in it is text.
const REACH = 11;  // half as wide as a mark with its ring, pixels

const words = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent;

function nearest(plot, at) {
  let found = null, least = REACH;
  for (const mark of plot.querySelectorAll(".shapelayer [data-index] path")) {
    const index = mark.closest("[data-index]").dataset.index;
    const shape = plot.layout.shapes?.[index];
    if (!shape?.name) continue;
    const box = mark.getBoundingClientRect();
    const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const far = Math.hypot(at.x - centre.x, at.y - centre.y);
    if (far <= least) { least = far; found = { shape, centre }; }
  }
  return found;
}

function render({ el }) {
  const tip = document.createElement("div");
  tip.className = "wb-telling";
  tip.hidden = true;
  Object.assign(tip.style, {
    position: "fixed", zIndex: 1000, pointerEvents: "none", padding: "3px 8px",
    font: "13px/1.4 Open Sans, verdana, arial, sans-serif", border: "1px solid",
  });
  let box = null, plot = null, at = null, waiting = null;

  function look() {
    const found = plot?.isConnected && at ? nearest(plot, at) : null;
    tip.hidden = !found;
    // What plotly says of a dot below would stand in the same place.
    const below = plot?.querySelector(".hoverlayer");
    if (below) below.style.visibility = found ? "hidden" : "";
    if (!found) return;
    const [first, ...rest] = found.shape.name.split("<br>").map(words);
    const strong = document.createElement("b");
    strong.textContent = first;
    tip.replaceChildren(strong);
    for (const line of rest) tip.append(document.createElement("br"), line);
    const style = getComputedStyle(plot.querySelector(".main-svg"));
    const ink = getComputedStyle(plot.querySelector(".gtitle, text")).fill;
    Object.assign(tip.style, { background: style.backgroundColor, color: ink, borderColor: ink });
    const { width, height } = tip.getBoundingClientRect();
    const right = found.centre.x + 16;
    const fits = right + width < window.innerWidth;
    tip.style.left = `${fits ? right : found.centre.x - 16 - width}px`;
    tip.style.top = `${Math.max(0, found.centre.y - height / 2)}px`;
  }
  function moved(event) {
    // Over the axes alone: a mark beyond them, after a zoom, is not seen.
    const under = event.target.closest?.(".wb-map .nsewdrag")?.closest(".js-plotly-plot");
    at = under ? { x: event.clientX, y: event.clientY } : null;
    if (under && under !== plot) {
      plot = under;
      plot.on("plotly_relayout", look);  // a mark may leave a mouse that rests
    }
    if (plot) look();
  }
  function gone() { at = null; look(); }
  function begin() {
    box = el.isConnected && el.closest(".wb-fitted");
    if (!box) { waiting = setTimeout(begin, 50); return; }
    document.body.append(tip);
    box.addEventListener("mousemove", moved);
    box.addEventListener("mouseleave", gone);
  }
  begin();
  return () => {
    clearTimeout(waiting);
    tip.remove();
    if (box) {
      box.removeEventListener("mousemove", moved);
      box.removeEventListener("mouseleave", gone);
    }
    plot?.removeListener?.("plotly_relayout", look);
  };
}
export default { render };
"""


class Telling(anywidget.AnyWidget):
    """Shows nothing, until the mouse is over a mark of the map that moves: then who it is."""

    _esm = _ESM

    def __repr__(self) -> str:
        return "Telling()"
