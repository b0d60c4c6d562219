"""One self-contained HTML page: text, answers, tables, pictures, commands; no request leaves it.

plotly.js is inlined once, and so are the crops that stand beside a hover. A content security
policy forbids the page to fetch anything and lets only the two scripts run that were written into
it, whatever the data said.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image
from plotly.offline import get_plotlyjs

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views.style import FONT, escape

_TEXT = 4_000
_CELL = 200
_CROP_PX, _CROPS_BYTES = 96, 300_000


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph or several (blank lines part them), with a heading if there is one."""

    body: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its first `rows` rows; the note stands below it."""

    frame: pd.DataFrame
    heading: str = ""
    note: str = ""
    rows: int = 50


@dataclass(frozen=True, slots=True)
class Picture:
    """A plotly figure; its own title becomes the caption. The note stands below it.

    ``crops``: pictures (PNG or JPEG) by the ``customdata`` of a mark, shown beside its hover. They
    are made small; of a page's, as many are kept as fit into 300 kB.
    """

    figure: go.Figure
    heading: str = ""
    note: str = ""
    crops: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer in a sentence, pictures, the rows behind it, and how to ask it."""

    question: str
    answer: str
    frame: pd.DataFrame | None = None
    command: str = ""
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True)
class Commands:
    """Lines to type, each with what it does: ``[("workbench stats", "count what is there")]``."""

    lines: Sequence[tuple[str, str]]
    heading: str = ""
    note: str = ""


Section = Text | Table | Picture | Question | Commands


@dataclass(slots=True)
class _Writer:
    """Collects the figures while the sections are written."""

    display_tz: str
    figures: list[str] = field(default_factory=list)
    questions: int = 0
    room: int = _CROPS_BYTES


def page(
    title: str,
    sections: Sequence[Section],
    *,
    kicker: str = "",
    lead: str = "",
    facts: Mapping[str, object] | None = None,
    footer: str = "",
    display_tz: str = "UTC",
) -> str:
    """Return an HTML page that works offline: all it needs is in the text returned.

    Everything given is text and is escaped, in tables too. The same input gives the same page,
    byte for byte: pictures have fixed ids and there is no date of writing.

    Parameters
    ----------
    title : str
        Title of the page and of the browser tab.
    sections : sequence of Text, Table, Picture, Question, Commands
        What stands on it, in this order.
    kicker : str
        A few words above the title.
    lead : str
        One or two sentences below the title: what this is.
    facts : mapping of str to object, optional
        A row of figures by what each counts, for example ``{"people": 5}``.
    footer : str
        A last line, for example which version wrote it.
    display_tz : str
        Time zone of the times in tables.

    Raises
    ------
    InvalidInputError
        When a section is of no kind above, or the time zone is unknown.

    Examples
    --------
    >>> text = page("A site", [Text("Four cameras & <b>five</b> people.")])
    >>> "Four cameras &amp; &lt;b&gt;five&lt;/b&gt; people." in text
    True
    """
    times.zone(display_tz)
    writer = _Writer(display_tz)
    body = "\n".join(_section(section, writer) for section in sections)
    scripts = [_plotly(), _BOOT] if writer.figures else []
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f'<header><div class="wrap">{_paragraphs(kicker, "kicker")}<h1>{escape(title)}</h1>'
            f"{_paragraphs(lead, 'lead')}{_facts(facts or {})}</div></header>",
            f'<main class="wrap">\n{body}\n</main>',
            f'<footer class="wrap">{_paragraphs(footer)}</footer>' if footer else "",
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy(scripts: list[str]) -> str:
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    hashes = [f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests]
    allowed = " ".join(hashes or ["'none'"])
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; connect-src 'none'; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _plotly() -> str:
    # Browsers end a script at this text wherever it stands.
    return get_plotlyjs().replace("</script", "<\\/script").replace("\r\n", "\n")


def _section(section: Section, writer: _Writer) -> str:
    writers: dict[type, Any] = {
        Text: _text,
        Table: _table,
        Picture: _picture,
        Question: _question,
        Commands: _commands,
    }
    write = writers.get(type(section))
    if write is None:
        raise InvalidInputError(
            f"A page has no section of kind {type(section).__name__}.",
            where="sections",
            next=f"Use one of {', '.join(kind.__name__ for kind in writers)}.",
        )
    return str(write(section, writer))


def _paragraphs(text: str, kind: str = "") -> str:
    mark = f' class="{kind}"' if kind else ""
    parts = (part for part in re.split(r"\n\s*\n", text.strip()) if part)
    return "".join(f"<p{mark}>{escape(part, longest=_TEXT)}</p>" for part in parts)


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>" if text else ""


def _facts(items: Mapping[str, object]) -> str:
    cells = "".join(
        f"<div><dd>{_cell(value, 'UTC')}</dd><dt>{escape(label)}</dt></div>"
        for label, value in items.items()
    )
    return f'<dl class="facts">{cells}</dl>' if cells else ""


def _text(section: Text, _writer: _Writer) -> str:
    return f"<section>{_heading(section.heading)}{_paragraphs(section.body)}</section>"


def _table(section: Table, writer: _Writer) -> str:
    return (
        f"<section>{_heading(section.heading)}"
        f"{table_html(section.frame, rows=section.rows, display_tz=writer.display_tz)}"
        f"{_paragraphs(section.note, 'note')}</section>"
    )


def _question(section: Question, writer: _Writer) -> str:
    writer.questions += 1
    rows = "" if section.frame is None else table_html(section.frame, display_tz=writer.display_tz)
    asked = f"<pre><code>{_line(section.command)}</code></pre>" if section.command else ""
    drawn = "".join(_picture(picture, writer) for picture in section.pictures)
    return (
        f'<section class="question"><h2><span class="count">{writer.questions}</span>'
        f"{escape(section.question, longest=_CELL)}</h2>"
        f"{_paragraphs(section.answer, 'answer')}{drawn}{rows}{asked}</section>"
    )


def _commands(section: Commands, _writer: _Writer) -> str:
    lines = "\n".join(
        (f"<span># {escape(says, longest=_CELL)}</span>\n" if says else "") + _line(command)
        for command, says in section.lines
    )
    return (
        f"<section>{_heading(section.heading)}<pre><code>{lines}</code></pre>"
        f"{_paragraphs(section.note, 'note')}</section>"
    )


def _line(command: str) -> str:
    return escape(command, longest=_TEXT)


def _picture(section: Picture, writer: _Writer) -> str:
    name = f"wb-figure-{len(writer.figures) + 1}"
    figure = go.Figure(section.figure)
    title = figure.layout.title
    captions = (_plain(title.text), _plain(title.subtitle.text))
    top = 72 if figure.layout.updatemenus else 44  # buttons stand below the toolbar
    figure.update_layout(title={"text": None, "subtitle": {"text": None}}, margin={"t": top})
    height = int(figure.layout.height or 560)
    figure.update_layout(height=height)
    writer.figures.append(name)
    strong, soft = (escape(text, longest=300) for text in captions)
    return (
        f"<section>{_heading(section.heading)}<figure>"
        f"<figcaption><strong>{strong}</strong><span>{soft}</span></figcaption>"
        f'<div class="frame"><div id="{name}" class="picture" style="min-height:{height}px">'
        "</div></div>"
        f'<script type="application/json" data-figure="{name}">{_json(figure)}</script>'
        f"{_crops(name, section.crops, writer)}"
        "<noscript><p class='note'>The picture needs JavaScript; it asks no server.</p></noscript>"
        f"</figure>{_paragraphs(section.note, 'note')}</section>"
    )


def _plain(text: str | None) -> str:
    # A figure's own text is plotly's small HTML: back to what it says.
    return html.unescape(re.sub(r"<[^>]*>", "", text or ""))


def _crops(name: str, crops: Mapping[str, bytes], writer: _Writer) -> str:
    """Return the crops of a picture, small, as far as there is room on the page."""
    kept: dict[str, str] = {}
    for key, crop in crops.items():
        small = _small(crop)
        if small is None or len(small) > writer.room:
            continue
        writer.room -= len(small)
        kept[key] = small
    if not kept:
        return ""
    text = _inert(json.dumps(kept, ensure_ascii=True, sort_keys=True))
    return f'<script type="application/json" data-crops="{name}">{text}</script>'


def _small(crop: bytes) -> str | None:
    """Return a picture as a data URI, a JPEG of at most 96 pixels; None for what is no picture."""
    try:
        with Image.open(io.BytesIO(crop), formats=("PNG", "JPEG")) as picture:
            shown = picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    shown.thumbnail((_CROP_PX, _CROP_PX))
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=72, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


def _json(figure: go.Figure) -> str:
    return _inert(figure.to_json(engine="json"))


def _inert(text: str) -> str:
    """Return JSON that no browser takes for HTML."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def table_html(frame: pd.DataFrame, *, rows: int = 50, display_tz: str = "UTC") -> str:
    """Return a table as HTML, every cell escaped; numbers right, missing as a dash.

    Parameters
    ----------
    frame : DataFrame
        What to show; its index is not shown.
    rows : int
        Most rows shown; a line says how many there are.
    display_tz : str
        Time zone of its time columns; a line names it.
    """
    shown = frame.head(rows)
    right = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    clocks = [isinstance(dtype, pd.DatetimeTZDtype) for dtype in frame.dtypes]
    marks = [' class="number"' if number else "" for number in right]
    head = "".join(
        f"<th{mark}>{escape(name)}</th>" for name, mark in zip(frame.columns, marks, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{mark}>{_cell(value, display_tz)}</td>"
            for value, mark in zip(row, marks, strict=True)
        )
        + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    notes = [f"{len(shown):,} of {len(frame):,} rows"] if len(shown) < len(frame) else []
    notes += [f"times: {display_tz}"] if any(clocks) and len(frame) else []
    notes += ["no rows"] if frame.empty else []
    under = f'<p class="note">{escape(" · ".join(notes))}</p>' if notes else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{under}"
    )


def _cell(value: Any, display_tz: str) -> str:
    if isinstance(value, list | tuple | dict):
        return escape(value, longest=_CELL)
    if value is None or pd.isna(value):
        return '<span class="unknown">–</span>'
    if isinstance(value, pd.Timestamp):
        return escape(_clock(value, display_tz))
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return escape(f"{int(value):,}")
    if isinstance(value, float | np.floating):
        return escape(f"{float(value):,.3f}".rstrip("0").rstrip("."))
    return escape(value, longest=_CELL)


def _clock(value: pd.Timestamp, display_tz: str) -> str:
    local = value.tz_convert(display_tz) if value.tzinfo else value
    text = local.strftime("%Y-%m-%d %H:%M:%S")
    return text + f".{value.microsecond:06d}".rstrip("0") if value.microsecond else text


# Sets each picture into its place, and beside a hover the crop of its mark if there is one.
# Pictures are drawn for 660 px and more: on a narrow window one scrolls sideways in its frame, and
# keeps its proportions.
_BOOT = """
"use strict";
(function () {
  var config = {displaylogo: false, responsive: true, plotlyServerURL: ""};
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
  document.querySelectorAll("script[data-figure]").forEach(function (source) {
    var figure = JSON.parse(source.textContent);
    var place = document.getElementById(source.dataset.figure);
    var stored = document.querySelector('script[data-crops="' + source.dataset.figure + '"]');
    var crops = new Map(Object.entries(stored ? JSON.parse(stored.textContent) : {}));
    Plotly.newPlot(place, figure.data, figure.layout, config);
    if (!crops.size) { return; }
    place.on("plotly_hover", function (said) {
      beside(place, said.event, crops.get(said.points[0].customdata));
    });
    place.on("plotly_unhover", function () { crop.hidden = true; });
  });
})();
"""

_STYLE = f"""
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
section section {{ margin: 0; }}
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
@media print {{ header {{ color: var(--ink); background: none; }}
  .kicker, header .lead, .facts dt {{ color: var(--soft); }}
  .wrap {{ max-width: none; padding: 0; }} figure, table {{ break-inside: avoid; }} }}
"""
