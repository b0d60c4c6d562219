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

import pandas as pd
import plotly.graph_objects as go
from PIL import Image
from plotly.offline import get_plotlyjs

from workbench import times
from workbench.errors import InvalidInputError
from workbench.views.page_look import BOOT, STYLE
from workbench.views.page_table import LONGEST, cell, spot, table_html
from workbench.views.style import escape

_TEXT = 4_000
_CROP_PX, _CROPS_BYTES = 96, 300_000


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph or several (blank lines part them), with a heading if there is one."""

    body: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its first `rows` rows; the note stands below it.

    ``tall``: it may have many rows; on a screen it scrolls in a frame of its own.
    """

    frame: pd.DataFrame
    heading: str = ""
    note: str = ""
    rows: int = 50
    tall: bool = False


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


@dataclass(frozen=True, slots=True)
class Strip:
    """Small pictures (PNG or JPEG) side by side, each with the words that say what it shows."""

    crops: Sequence[tuple[bytes, str]]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Sections under one heading, which a link on the same page leads to.

    ``anchor``: lower case letters, digits and ``-``, once on a page. ``colour``: a spot before the
    heading. ``own_sheet``: printed, it begins on a sheet of its own. ``back``: the anchor of the
    chapter that a line at its end leads to.
    """

    heading: str
    sections: Sequence[Section]
    anchor: str
    colour: str = ""
    own_sheet: bool = False
    back: str = ""


Section = Text | Table | Picture | Question | Commands | Strip | Chapter


@dataclass(slots=True)
class _Writer:
    """Collects the figures, and the images on them, while the sections are written."""

    display_tz: str
    figures: list[str] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    questions: int = 0
    room: int = _CROPS_BYTES
    level: int = 2


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
    sections : sequence of Text, Table, Picture, Question, Commands, Strip, Chapter
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
    scripts = [_plotly(), BOOT] if writer.figures else []
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
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f'<header><div class="wrap">{_paragraphs(kicker, "kicker")}<h1>{escape(title)}</h1>'
            f"{_paragraphs(lead, 'lead')}{_facts(facts or {})}</div></header>",
            f'<main class="wrap">\n{body}\n</main>',
            f'<footer class="wrap">{_paragraphs(footer)}</footer>' if footer else "",
            _images(writer),
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
        Strip: _strip,
        Chapter: _chapter,
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


def _heading(text: str, writer: _Writer) -> str:
    return f"<h{writer.level}>{escape(text)}</h{writer.level}>" if text else ""


def _facts(items: Mapping[str, object]) -> str:
    cells = "".join(
        f"<div><dd>{cell(value, 'UTC')}</dd><dt>{escape(label)}</dt></div>"
        for label, value in items.items()
    )
    return f'<dl class="facts">{cells}</dl>' if cells else ""


def _text(section: Text, writer: _Writer) -> str:
    return f"<section>{_heading(section.heading, writer)}{_paragraphs(section.body)}</section>"


def _table(section: Table, writer: _Writer) -> str:
    drawn = table_html(
        section.frame,
        rows=section.rows,
        display_tz=writer.display_tz,
        label=section.heading,
        tall=section.tall,
    )
    return (
        f"<section>{_heading(section.heading, writer)}{drawn}"
        f"{_paragraphs(section.note, 'note')}</section>"
    )


def _chapter(section: Chapter, writer: _Writer) -> str:
    heading = _heading(section.heading, writer)
    heading = heading.replace(">", f">{spot(section.colour)}", 1)
    writer.level += 1
    inner = "\n".join(_section(one, writer) for one in section.sections)
    writer.level -= 1
    back = f'<p class="back"><a href="#{escape(section.back)}">back to the list</a></p>'
    return (
        f'<section class="chapter{" own" if section.own_sheet else ""}" '
        f'id="{escape(section.anchor)}">{heading}{inner}{back if section.back else ""}</section>'
    )


def _strip(section: Strip, writer: _Writer) -> str:
    shown = []
    for crop, words in section.crops:
        small = _small(crop)
        if small is None or len(small) > writer.room:
            continue
        writer.room -= len(small)
        said = escape(words, longest=LONGEST)
        shown.append(f'<li><img src="{small}" alt="crop: {said}">{said}</li>')
    if not shown:
        return ""
    drawn = "".join(shown)
    return f'<section>{_heading(section.heading, writer)}<ul class="strip">{drawn}</ul></section>'


def _question(section: Question, writer: _Writer) -> str:
    writer.questions += 1
    rows = "" if section.frame is None else table_html(section.frame, display_tz=writer.display_tz)
    asked = f"<pre><code>{_line(section.command)}</code></pre>" if section.command else ""
    writer.level += 1
    drawn = "".join(_picture(picture, writer) for picture in section.pictures)
    writer.level -= 1
    return (
        f'<section class="question"><h{writer.level}>'
        f'<span class="count">{writer.questions}</span>'
        f"{escape(section.question, longest=LONGEST)}</h{writer.level}>"
        f"{_paragraphs(section.answer, 'answer')}{drawn}{rows}{asked}</section>"
    )


def _commands(section: Commands, writer: _Writer) -> str:
    lines = "\n".join(
        (f"<span># {escape(says, longest=LONGEST)}</span>\n" if says else "") + _line(command)
        for command, says in section.lines
    )
    return (
        f"<section>{_heading(section.heading, writer)}<pre><code>{lines}</code></pre>"
        f"{_paragraphs(section.note, 'note')}</section>"
    )


def _line(command: str) -> str:
    return escape(command, longest=_TEXT)


def _picture(section: Picture, writer: _Writer) -> str:
    name = f"wb-figure-{len(writer.figures) + 1}"
    # As plain JSON: plotly would check each of its marks once more.
    figure = json.loads(section.figure.to_json(engine="json", validate=False))
    layout = figure["layout"]
    title = layout.pop("title", {})
    captions = (_plain(title.get("text")), _plain(title.get("subtitle", {}).get("text")))
    top = 72 if layout.get("updatemenus") else 44  # buttons stand below the toolbar
    height = int(layout.get("height") or 560)
    layout |= {"height": height, "margin": layout.get("margin", {}) | {"t": top}}
    for image in layout.get("images", []):
        image["source"] = _shared(image["source"], writer)
    writer.figures.append(name)
    strong, soft = (escape(text, longest=300) for text in captions)
    data = _inert(json.dumps(figure))
    return (
        f"<section>{_heading(section.heading, writer)}<figure>"
        f"<figcaption><strong>{strong}</strong><span>{soft}</span></figcaption>"
        f'<div class="frame"><div id="{name}" class="picture" style="min-height:{height}px">'
        "</div></div>"
        f'<script type="application/json" data-figure="{name}">{data}</script>'
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


def _shared(source: str | None, writer: _Writer) -> str | None:
    """Return the name that stands for an image on the page: a floor plan is there once."""
    if source is None or not source.startswith("data:"):
        return source
    return writer.images.setdefault(source, f"wb-image-{len(writer.images) + 1}")


def _images(writer: _Writer) -> str:
    if not writer.images:
        return ""
    text = _inert(json.dumps({name: source for source, name in writer.images.items()}))
    return f'<script type="application/json" data-images>{text}</script>'


def _inert(text: str) -> str:
    """Return JSON that no browser takes for HTML."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
