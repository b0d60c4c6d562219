"""The page: self-contained, escaped, the same each time."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from workbench.errors import InvalidInputError
from workbench.views.maps.trajectory_map import trajectory_map
from workbench.views.page import (
    Chapter,
    Commands,
    Picture,
    Question,
    Strip,
    Table,
    Text,
    page,
)
from workbench.views.page_table import Link, table_html
from workbench.views.style import CONFIG

NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def split(text: str) -> tuple[str, list[str]]:
    """Return the page without what runs on it, and what runs."""
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    return re.sub(r"<script>.*?</script>", "", text, flags=re.S), scripts


@pytest.fixture
def written(scene: Any) -> str:
    frame = pd.DataFrame({"id": ["a"], "dwell_s": [3.14159]})
    return page(
        "A site",
        [
            Picture(trajectory_map(**scene), "One trajectory", "Hover a dot."),
            Picture(go.Figure(go.Scatter(y=[1, 2])), "Another"),
            Question("Who was there?", "One.", frame, "workbench visits"),
            Table(frame, "Rows"),
            Commands([("workbench stats", "count")], "How to go on"),
        ],
        lead="What this is.",
        facts={"people": 5},
        footer="Version 0.",
    )


def test_no_address_stands_on_it(written: str) -> None:
    markup, _ = split(written)
    assert set(re.findall(r"https?://[^\"'\\\s<)]+", markup)) <= NAMESPACES
    assert not re.search(r"<(link|iframe|object|embed|base)\b", markup)
    assert not re.search(r"<(img|script)\b[^>]*\bsrc=", markup)
    assert "@import" not in markup
    assert "url(" not in markup


def test_it_may_fetch_nothing_and_run_only_its_own_scripts(written: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', written)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    _, scripts = split(written)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    said = rules["script-src"].split()
    assert said == [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def test_plotly_is_there_once(written: str) -> None:
    _, scripts = split(written)
    assert len(scripts) == 2
    assert len(scripts[0]) > 1_000_000
    assert scripts[1].count("Plotly.newPlot") == 1
    assert "</script" not in scripts[0]


def test_pictures_have_fixed_ids_and_valid_data(written: str) -> None:
    found = re.findall(
        r'<script type="application/json" data-figure="([^"]+)">(.*?)</script>', written
    )
    assert [name for name, _ in found] == ["wb-figure-1", "wb-figure-2"]
    for name, data in found:
        assert f'<div id="{name}"' in written
        assert set(json.loads(data)) >= {"data", "layout"}
        assert not set("<>&") & set(data)


def test_no_share_button(written: str) -> None:
    _, scripts = split(written)
    assert 'plotlyServerURL: ""' in scripts[1]
    assert all(key in scripts[1] for key in CONFIG)
    first = re.search(r'data-figure="wb-figure-1">(.*?)</script>', written)
    assert first is not None
    layout = json.loads(first[1])["layout"]
    assert "sendChartToCloud" in layout["template"]["layout"]["modebar"]["remove"]


def test_the_title_of_a_picture_is_its_caption(written: str) -> None:
    assert "<figcaption><strong>Trajectory of p1</strong><span>5 sightings at 2 cameras" in written


def test_the_picture_given_is_not_changed(scene: Any) -> None:
    figure = trajectory_map(**scene)
    before = figure.to_json()
    page("t", [Picture(figure)])
    assert figure.to_json() == before


def crop_of(colour: str, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 600), colour).save(out, kind)
    return out.getvalue()


def crops_on(text: str) -> dict[str, str]:
    found = re.search(
        r'<script type="application/json" data-crops="wb-figure-1">(.*?)</script>', text
    )
    return json.loads(found[1]) if found else {}


def test_crops_are_small_pictures_inside_the_page(scene: Any, hostile: str) -> None:
    given = {"a1": crop_of("red"), hostile: crop_of("blue", "JPEG"), "a3": b"<svg onload=x>"}
    text = page("t", [Picture(trajectory_map(**scene), crops=given)])
    kept = crops_on(text)
    assert set(kept) == {"a1", hostile}
    assert hostile not in text
    for source in kept.values():
        head, data = source.split(",")
        assert head == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == (48, 96)


def test_crops_that_have_no_room_are_left_out(scene: Any) -> None:
    whole = crops_on(page("t", [Picture(trajectory_map(**scene), crops={"a": crop_of("red")})]))
    many = {f"a{i:04d}": crop_of("red") for i in range(300_000 // len(whole["a"]) + 9)}
    kept = crops_on(page("t", [Picture(trajectory_map(**scene), crops=many)]))
    assert len(kept) == 300_000 // len(whole["a"]) < len(many)


def test_without_crops_there_are_none_on_the_page(scene: Any) -> None:
    assert '<script type="application/json" data-crops' not in page(
        "t", [Picture(trajectory_map(**scene))]
    )


def test_a_page_without_pictures_carries_no_script() -> None:
    text = page("t", [Text("only text")])
    assert "<script" not in text
    assert "script-src 'none'" in text
    assert len(text) < 10_000


def test_hostile_text_is_escaped_everywhere(hostile: str, scene: Any) -> None:
    frame = pd.DataFrame({hostile: [hostile]})
    scene["cameras"]["name"] = hostile
    text = page(
        hostile,
        [
            Text(hostile, hostile),
            Table(frame, hostile, hostile),
            Picture(trajectory_map(**scene, title=hostile), hostile, hostile),
            Picture(go.Figure(layout={"title": {"text": "</script>" + hostile}})),
            Question(hostile, hostile, frame, hostile, [Picture(go.Figure(), hostile, hostile)]),
            Commands([(hostile, hostile)], hostile, hostile),
            Strip([(crop_of("red"), hostile)], hostile),
            Chapter(hostile, [Text(hostile)], hostile, colour=hostile, back=hostile),
            Table(pd.DataFrame({"a": [Link(hostile, hostile, hostile)]}), tall=True),
        ],
        kicker=hostile,
        lead=hostile,
        facts={hostile: hostile},
        footer=hostile,
    )
    markup, _ = split(text)
    assert "<img src=x" not in markup
    # The data of three pictures and the images on them end where they should.
    assert markup.count("</script>") == 4
    assert markup.count("&lt;img src=x onerror=alert(1)&gt;") >= 17


def test_the_same_input_gives_the_same_page(written: str, scene: Any) -> None:
    one = page("t", [Picture(trajectory_map(**scene))])
    assert one == page("t", [Picture(trajectory_map(**scene))])


def test_cells() -> None:
    frame = pd.DataFrame(
        {
            "n": pd.Series([1234, None], dtype="Int64"),
            "x": [1234.5, float("nan")],
            "id": pd.Series(["0002", None], dtype="str"),
            "at": pd.to_datetime(["2026-01-12T08:00:00.250Z", None], format="ISO8601"),
        }
    )
    text = table_html(frame, display_tz="Europe/Madrid")
    assert re.findall(r"<td[^>]*>(.*?)</td>", text)[:4] == [
        "1,234",
        "1,234.5",
        "0002",
        "2026-01-12 09:00:00.25",
    ]
    assert text.count('<span class="unknown">–</span>') == 4
    assert "times: Europe/Madrid" in text
    assert '<th scope="col" class="number">n</th>' in text


def test_chapters_are_led_to_and_their_headings_step_down() -> None:
    rows = pd.DataFrame({"who": [Link("Ana", "identity-1", "#0072B2")]})
    text = page(
        "t",
        [
            Chapter("Who", [Table(rows, "List")], "list"),
            Chapter(
                "Ana",
                [Text("x", "Words"), Chapter("Deeper", [Text("y", "Deepest")], "deep")],
                "identity-1",
                own_sheet=True,
                back="list",
            ),
        ],
    )
    assert re.findall(r"<h\d>[^<]*</h\d>", text) == [
        "<h1>t</h1>",
        "<h2>Who</h2>",
        "<h3>List</h3>",
        "<h2>Ana</h2>",
        "<h3>Words</h3>",
        "<h3>Deeper</h3>",
        "<h4>Deepest</h4>",
    ]
    assert 'href="#identity-1"><span class="spot" style="background:#0072B2"></span>Ana</a>' in text
    assert '<section class="chapter own" id="identity-1">' in text
    assert '<a href="#list">back to the list</a>' in text


def test_an_image_of_several_pictures_is_there_once(scene: Any) -> None:
    figure = trajectory_map(**scene)
    text = page("t", [Picture(figure), Picture(figure)])
    block = re.search(r"data-images>(.*?)</script>", text)
    assert block is not None
    assert list(json.loads(block[1])) == ["wb-image-1"]
    assert figure.layout.images[0].source.startswith("data:image/png")
    assert split(text)[0].count(figure.layout.images[0].source) == 1


def test_a_strip_keeps_what_is_a_picture() -> None:
    text = page("t", [Strip([(crop_of("red"), "at the door"), (b"<svg onload=x>", "no")])])
    assert re.findall(r'<img src="data:image/jpeg;base64,[^"]+" alt="([^"]+)">', text) == [
        "crop: at the door"
    ]
    assert "<ul" not in page("t", [Strip([(b"no picture", "no")])])


def test_long_tables_say_how_long_they_are() -> None:
    text = table_html(pd.DataFrame({"n": range(1000)}), rows=5)
    assert text.count("<tr>") == 6
    assert "5 of 1,000 rows" in text
    assert "no rows" in table_html(pd.DataFrame({"n": []}))


def test_commands_and_paragraphs() -> None:
    text = page("t", [Text("one\n\ntwo"), Commands([("a > b", "says"), ("c", "")])])
    assert "<p>one</p><p>two</p>" in text
    assert "<pre><code><span># says</span>\na &gt; b\nc</code></pre>" in text


def test_something_else_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="dict"):
        page("t", [{}])  # type: ignore[list-item]
    with pytest.raises(InvalidInputError, match="Nowhere"):
        page("t", [], display_tz="Nowhere")
