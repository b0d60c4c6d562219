"""How a page looks and moves: its style sheet, on a screen and on paper, and its one script."""

from __future__ import annotations

from workbench.views.style import FONT

# Sets each picture into its place, and beside a hover the crop of its mark if there is one. The
# first pictures are drawn at once, the others one after the other, so that a long page can be read
# meanwhile; before it is printed all of them, as wide as paper.
# Pictures are drawn for 660 px and more: on a narrow window one scrolls sideways in its frame, and
# keeps its proportions.
BOOT = """
"use strict";
(function () {
  var config = {displaylogo: false, responsive: true, plotlyServerURL: ""};
  var AT_ONCE_MS = 400, PAPER_WIDE = 680, PAPER_ZOOM = 0.85;
  var stored = document.querySelector("script[data-images]");
  var images = new Map(Object.entries(stored ? JSON.parse(stored.textContent) : {}));
  var waiting = Array.from(document.querySelectorAll("script[data-figure]"));
  var drawn = [];
  var crop = document.createElement("img");
  crop.className = "crop";
  crop.alt = "crop of this sighting";
  crop.hidden = true;
  document.body.appendChild(crop);
  function beside(place, event, source) {
    crop.hidden = !source;
    if (!source) { return; }
    crop.src = source;
    var x = event.clientX, y = event.clientY, label = place.querySelector(".hoverlayer .hovertext");
    var left = !label || label.getBoundingClientRect().left > x - 8;
    // On the side where the words are not; how wide it is, it says only once it is loaded.
    crop.style.left = left ? "auto" : (x + 14) + "px";
    crop.style.right = left ? (document.documentElement.clientWidth - x + 14) + "px" : "auto";
    crop.style.top = Math.max(4, y - 60) + "px";
  }
  function draw(source) {
    var figure = JSON.parse(source.textContent), name = source.dataset.figure;
    var place = document.getElementById(name);
    var kept = document.querySelector('script[data-crops="' + name + '"]');
    var crops = new Map(Object.entries(kept ? JSON.parse(kept.textContent) : {}));
    (figure.layout.images || []).forEach(function (image) {
      image.source = images.get(image.source) || image.source;
    });
    Plotly.newPlot(place, figure.data, figure.layout, config);
    drawn.push({place: place, height: figure.layout.height});
    if (!crops.size) { return; }
    place.on("plotly_hover", function (said) {
      beside(place, said.event, crops.get(said.points[0].customdata));
    });
    place.on("plotly_unhover", function () { crop.hidden = true; });
  }
  function go() {
    if (waiting.length) { draw(waiting.shift()); }
    if (waiting.length) { setTimeout(go, 0); return; }
    document.documentElement.dataset.drawn = "all";
  }
  var begun = performance.now();
  while (waiting.length && performance.now() - begun < AT_ONCE_MS) { draw(waiting.shift()); }
  setTimeout(go, 0);
  window.addEventListener("beforeprint", function () {
    waiting.splice(0).forEach(draw);
    drawn.forEach(function (one) {
      // A whole sheet for a high one; another leaves room for some words above it.
      var zoom = Math.min(PAPER_ZOOM, (one.height > 800 ? 720 : 560) / one.height);
      Plotly.relayout(one.place, {width: Math.floor(PAPER_WIDE / zoom), height: one.height});
      one.place.style.zoom = zoom;
    });
  });
  window.addEventListener("afterprint", function () {
    drawn.forEach(function (one) {
      one.place.style.zoom = "";
      Plotly.relayout(one.place, {width: null, height: one.height, autosize: true});
    });
  });
})();
"""

STYLE = f"""
:root {{ color-scheme: light; --ink: #1f2328; --soft: #57606a; --line: #e1e5ea; --tint: #f5f7f9;
  --deep: #0b2a40; --accent: #0072b2; }}
* {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; color: var(--ink); background: #fff; font: 16px/1.6 {FONT}; }}
.wrap {{ margin: 0 auto; padding: 0 1.5rem; max-width: 68rem; }}
header {{ padding: 3.25rem 0 2.5rem; color: #fff;
  background: linear-gradient(115deg, var(--deep), #0d4a70 70%, #136a8f); }}
.kicker {{ margin: 0 0 .75rem; font-size: .82rem; font-weight: 600; letter-spacing: .09em;
  text-transform: uppercase; color: #9fd3ee; }}
h1 {{ margin: 0 0 .9rem; max-width: 50rem; font-size: clamp(1.8rem, 1.2rem + 2.6vw, 2.9rem);
  line-height: 1.12; font-weight: 680; letter-spacing: -.022em; }}
h2 {{ margin: 0 0 .6rem; font-size: 1.45rem; line-height: 1.3; font-weight: 640;
  letter-spacing: -.01em; }}
p {{ margin: 0 0 .75rem; max-width: 46rem; }}
header .lead {{ max-width: 48rem; font-size: 1.12rem; color: #d7e7f1; }}
.note {{ margin-top: .5rem; font-size: .86rem; color: var(--soft); }}
.unknown {{ color: #9aa0a6; }}
section {{ margin: 3rem 0 0; }}
.question section {{ margin: 0; }}
.chapter {{ padding-top: 1.4rem; border-top: 1px solid var(--line); scroll-margin-top: 0; }}
.chapter > section {{ margin-top: 2rem; }}
h3 {{ margin: 0 0 .4rem; font-size: 1.08rem; line-height: 1.35; font-weight: 640; }}
a {{ color: #00568a; text-underline-offset: .16em; text-decoration-thickness: 1px; }}
.spot {{ display: inline-block; width: .72em; height: .72em; margin-right: .5em;
  border-radius: 50%; border: 1px solid rgba(31, 35, 40, .45); print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }}
.back {{ margin-top: 1.4rem; font-size: .86rem; }}
.strip {{ display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0 0; padding: 0;
  list-style: none; }}
.strip li {{ width: 7.4rem; font-size: .78rem; line-height: 1.4; color: var(--soft);
  overflow-wrap: anywhere; }}
.strip img {{ display: block; height: 96px; margin-bottom: .35rem; border-radius: 4px;
  border: 1px solid var(--line); }}
.facts {{ display: flex; flex-wrap: wrap; gap: .75rem 3rem; margin: 1.9rem 0 0; }}
.facts dd {{ margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 660;
  font-variant-numeric: tabular-nums; }}
.facts dt {{ color: #b9d3e2; font-size: .88rem; }}
figure {{ margin: 1.1rem 0 0; border: 1px solid var(--line); border-radius: 12px;
  overflow: hidden; box-shadow: 0 1px 3px rgba(11, 42, 64, .06); }}
figcaption {{ padding: .85rem 1.1rem 0; }}
figcaption strong {{ display: block; font-weight: 620; }}
figcaption span {{ display: block; font-size: .86rem; color: var(--soft); }}
.frame {{ overflow-x: auto; }}
.picture {{ width: 100%; min-width: 660px; }}
.count {{ display: inline-block; width: 2rem; height: 2rem; margin-right: .7rem;
  border-radius: 50%; background: var(--accent); color: #fff; font-size: 1rem; line-height: 2rem;
  text-align: center; vertical-align: .12em; letter-spacing: 0; }}
.answer {{ font-size: 1.06rem; }}
.crop {{ position: fixed; z-index: 9; height: 110px; padding: 3px; background: #fff;
  border: 1px solid var(--soft); border-radius: 4px; pointer-events: none; }}
.crop[hidden] {{ display: none; }}
.scroll {{ overflow-x: auto; margin: 1.1rem 0 0; }}
table {{ border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .38rem 1.1rem .38rem 0; border-bottom: 1px solid var(--line); text-align: left;
  white-space: nowrap; vertical-align: top; max-width: 26rem; overflow: hidden;
  text-overflow: ellipsis; }}
th {{ color: var(--soft); font-weight: 560; }}
.number {{ text-align: right; }}
.long {{ white-space: normal; overflow-wrap: anywhere; min-width: 15rem; }}
.tall {{ max-height: 28rem; overflow-y: auto; }}
.tall th {{ position: sticky; top: 0; background: #fff; }}
pre {{ margin: 1rem 0 0; padding: .85rem 1.1rem; overflow-x: auto; border-radius: 9px;
  background: var(--tint); border: 1px solid var(--line);
  font: .86rem/1.75 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }}
pre span {{ color: var(--soft); user-select: none; }}
footer {{ padding: 0 1.5rem 3rem; font-size: .86rem; color: var(--soft); }}
footer p {{ margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line);
  max-width: none; }}
@media (max-width: 640px) {{ .wrap {{ padding: 0 1rem; }}
  header {{ padding: 2rem 0 1.5rem; }} .facts {{ gap: .5rem 1.75rem; }}
  figure {{ margin: 1rem -1rem 0; border-width: 1px 0; border-radius: 0; box-shadow: none; }} }}
@page {{ margin: 14mm 12mm; }}
@media print {{
  body {{ font-size: 10.5pt; }}
  header {{ padding: 0 0 1rem; color: var(--ink); background: none; }}
  .kicker, header .lead, .facts dt {{ color: var(--soft); }}
  .facts {{ gap: .4rem 2rem; }} .facts dd {{ font-size: 1.3rem; }} h1 {{ font-size: 1.7rem; }}
  .wrap {{ max-width: none; padding: 0; }} p {{ max-width: none; }}
  section {{ margin-top: 1.6rem; }}
  .chapter.own {{ break-before: page; border-top: 0; margin-top: 0; padding-top: 0; }}
  h2, h3, figcaption {{ break-after: avoid; }}
  .strip {{ gap: .5rem; }} .strip li {{ width: 6.6rem; }}
  figure, tr, .strip li, pre {{ break-inside: avoid; }}
  figure + .note, .scroll + .note {{ break-before: avoid; }}
  figure {{ box-shadow: none; border-radius: 0; border-width: 1px 0; }}
  .frame, .scroll, .tall {{ overflow: visible; max-height: none; }}
  .picture {{ min-width: 0; }} .modebar-container, .updatemenu-container, .back, .crop
    {{ display: none !important; }}
  table {{ width: 100%; font-size: 8.2pt; }} .tall th {{ position: static; }}
  th, td {{ padding: .18rem .7rem .18rem 0; white-space: normal; max-width: none;
    overflow: visible; overflow-wrap: break-word; }}
  th {{ overflow-wrap: normal; }} .time {{ white-space: nowrap; }}
  .long {{ overflow-wrap: anywhere; min-width: 0; }}
  a {{ color: inherit; text-decoration: none; }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }} }}
"""
