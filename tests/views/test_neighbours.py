"""The picture of a similarity answer."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from PIL import Image

from workbench.errors import InvalidInputError
from workbench.views.charts.neighbours import neighbours
from workbench.views.style import UNKNOWN, identity_colour
from workbench.views.style import theme as theme_of

BAD = "<img src=x onerror=alert(1)>"


def hits(**changes: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "query": ["q", "q"],
            "rank": [1, 2],
            "appearance_id": ["a1", "a2"],
            "identity_id": pd.Series(["p1", None], dtype="str"),
            "similarity": [0.9, -0.2],
            "camera_id": pd.Series(["c1", None], dtype="str"),
            "timestamp": pd.to_datetime(["2026-01-01T08:00Z", "2026-01-01T09:00Z"], utc=True),
        }
    )
    return rows.assign(**changes)


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 8), colour).save(out, "PNG")
    return out.getvalue()


def words(figure: object) -> list[str]:
    return [note.text for note in figure.layout.annotations]  # type: ignore[attr-defined]


def test_one_row_a_hit_coloured_by_identity_with_the_cosine_named() -> None:
    figure = neighbours(hits(), space="face", display_tz="Europe/Madrid")
    bars, rows = figure.data[1], figure.data[2]
    assert list(bars.x) == [0.9, -0.2]
    assert list(bars.marker.color) == [identity_colour("p1"), UNKNOWN]
    assert "cosine 0.900 in face, rank 1" in rows.hovertext[0]
    assert "2026-01-01 09:00:00 Europe/Madrid" in rows.hovertext[0]
    assert "appearance a1" in rows.hovertext[0]
    said = words(figure)
    for text in ("<b>p1</b>", "<i>unidentified</i>", "<b>0.900</b>", "<b>-0.200</b>", "no camera"):
        assert text in said
    assert "Thu 01 Jan 2026, 09:00:00" in said
    assert "Europe/Madrid" in figure.layout.title.subtitle.text
    assert figure.layout.xaxis.range[0] < -0.2
    assert "match" not in figure.to_json()


def test_names_stand_before_ids() -> None:
    figure = neighbours(hits(), space="face", names={"p1": "Ada"}, cameras={"c1": "Lobby"})
    assert any("<b>Ada</b>" in text and "p1" in text for text in words(figure))
    assert "Lobby" in words(figure)
    assert figure.data[2].hovertext[0].startswith("<b>Ada</b> (p1)")
    assert "Lobby (c1)<br>" in figure.data[2].hovertext[0]


@pytest.mark.parametrize("given", ["mapping", "callable"])
def test_crops_of_the_query_and_of_the_hits(given: str) -> None:
    asked, found = {"q": png("red")}, {"a1": png("blue")}
    figure = (
        neighbours(hits(), space="face", crops=found, query_crops=asked)
        if given == "mapping"
        else neighbours(hits(), space="face", crops=found.get, query_crops=asked.get)
    )
    row, query = figure.layout.images
    assert row.source != query.source
    assert all(image.source.startswith("data:image/png;base64,") for image in (row, query))
    assert query.sizey > 2 * row.sizey
    assert query.x == 0
    assert row.x > query.x + query.sizex
    assert any("query" in text for text in words(figure))


def test_each_of_several_queries_has_its_crop_and_its_heading() -> None:
    two = pd.concat([hits(), hits(query="r", appearance_id=["a3", "a4"])])
    figure = neighbours(two, space="face", query_crops=dict.fromkeys(["q", "r"], png("red")))
    tops = [image.y for image in figure.layout.images]
    assert len(tops) == 2
    assert tops[0] > tops[1] + 0.3
    assert [text for text in words(figure) if text.startswith("nearest to")] == [
        "nearest to <b>q</b>",
        "nearest to <b>r</b>",
    ]


def test_a_query_called_like_an_appearance_does_not_take_its_crop() -> None:
    figure = neighbours(hits(query="a1"), space="face", crops={"a1": png("red")})
    assert len(figure.layout.images) == 1


def test_without_crops_there_is_no_picture_and_no_room_for_one() -> None:
    plain = neighbours(hits(), space="face")
    pictured = neighbours(hits(), space="face", crops={"a1": png("red")})
    assert not plain.layout.images
    assert plain.layout.xaxis.domain[0] < pictured.layout.xaxis.domain[0]
    assert plain.layout.height < pictured.layout.height


@pytest.mark.parametrize("crop", [b"", b"<svg onload=alert(1)>", b"GIF89a", None])
def test_what_is_no_picture_is_not_shown(crop: bytes | None) -> None:
    figure = neighbours(hits(), space="face", crops=lambda _: crop, query_crops=lambda _: crop)
    assert not figure.layout.images


def test_jpeg_is_a_picture_too() -> None:
    figure = neighbours(hits(), space="face", crops={"a2": b"\xff\xd8\xff\xe0 and so on"})
    assert figure.layout.images[0].source.startswith("data:image/jpeg;base64,")


def test_hostile_text_is_text() -> None:
    hostile = hits(appearance_id=BAD, identity_id=BAD, camera_id=BAD, query=BAD)
    for more in (
        {},
        {"names": {BAD: BAD}, "cameras": {BAD: BAD}, "query_crops": {BAD: png("red")}},
    ):
        figure = neighbours(hostile, space=BAD, **more)  # type: ignore[arg-type]
        assert "<img" not in figure.to_json().replace("\\u003c", "<")
        assert any("&lt;img" in text for text in words(figure))


def test_long_names_are_cut() -> None:
    figure = neighbours(hits(identity_id="x" * 500, camera_id="y" * 500), space="face")
    assert max(len(text) for text in words(figure)) < 120


def test_dark_is_another_paper_and_other_themes_are_refused() -> None:
    figure = neighbours(hits(), space="face", theme="dark")
    assert figure.layout.template.layout.paper_bgcolor == theme_of("dark").paper
    assert figure.data[0].marker.color == theme_of("dark").grid
    with pytest.raises(InvalidInputError):
        neighbours(hits(), space="face", theme="pink")  # type: ignore[arg-type]


def test_of_many_hits_the_first_forty_are_drawn_and_that_is_said() -> None:
    many = pd.concat([hits()] * 50, ignore_index=True)
    asked: list[str] = []
    figure = neighbours(
        many.assign(rank=range(1, 101), appearance_id=[f"a{i:03d}" for i in range(100)]),
        space="face",
        crops=lambda one: asked.append(one),  # type: ignore[func-returns-value]
    )
    assert len(figure.data[1].x) == 40
    assert "the first 40 of 100 hits" in figure.layout.title.subtitle.text
    assert asked == [f"a{i:03d}" for i in range(40)]


def test_no_hits_is_a_picture_too() -> None:
    figure = neighbours(hits().iloc[:0], space="face", crops={})
    assert figure.layout.title.text == "Nothing is near"
