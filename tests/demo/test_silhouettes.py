"""Drawn people: read strictly, drawn the same every time, and looking like what the text says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.demo.silhouettes import BAGS, CUTS, STYLES, WEARS, draw, is_silhouette, parse
from workbench.errors import InvalidInputError

FIELDS = {
    "top": "b8322f",
    "cut": "shirt",
    "legs": "2a3550",
    "wear": "trousers",
    "hair": "1d1a19",
    "style": "short",
    "skin": "e8bd9c",
    "build": "50",
    "bag": "none",
    "trim": "6b4630",
    "scene": "e4e0d6",
    "stride": "40",
    "facing": "0",
    "hidden": "0",
    "blur": "0",
}


def text(**changes: str) -> str:
    return "silhouette:v1;" + ";".join(f"{k}={v}" for k, v in (FIELDS | changes).items())


def pixels(said: str, *, width: int = 64, height: int = 128) -> np.ndarray:
    picture = Image.open(io.BytesIO(draw(said, width=width, height=height)))
    assert picture.format == "PNG"
    assert picture.size == (width, height)
    return np.asarray(picture.convert("RGB")).astype(int)


def near(colour: np.ndarray, wanted: str, within: int = 45) -> bool:
    rgb = np.array([int(wanted[i : i + 2], 16) for i in (0, 2, 4)])
    return bool(np.abs(colour - rgb).max() <= within)


def test_head_top_and_legs_are_where_a_person_has_them() -> None:
    drawn = pixels(text())
    assert near(drawn[9, 32], FIELDS["hair"])
    assert near(drawn[20, 28], FIELDS["skin"])
    assert near(drawn[50, 32], FIELDS["top"])
    assert near(drawn[88, 30], FIELDS["legs"]) or near(drawn[88, 34], FIELDS["legs"])
    assert near(drawn[2, 2], FIELDS["scene"], 30)


def test_a_face_is_there_only_for_those_who_look_here() -> None:
    front, back = (
        pixels(text(), width=128, height=256),
        pixels(text(facing="180"), width=128, height=256),
    )
    assert near(front[38, 58], FIELDS["skin"])
    assert near(back[32, 64], FIELDS["hair"])


@pytest.mark.parametrize(
    "changes",
    [
        {"top": "2f5d46"},
        {"legs": "dcd8cf"},
        {"hair": "d0a85c"},
        {"skin": "5f3b28"},
        {"build": "100"},
        {"scene": "c0d0e0"},
        {"stride": "75", "facing": "90"},
        {"facing": "90"},
        {"facing": "180"},
        {"hidden": "40"},
        {"blur": "90"},
        *({"cut": cut} for cut in CUTS[1:]),
        *({"wear": wear} for wear in WEARS[1:]),
        *({"style": style} for style in STYLES[1:]),
        *({"bag": bag} for bag in BAGS[1:]),
    ],
)
def test_everything_that_is_said_is_seen(changes: dict[str, str]) -> None:
    assert np.abs(pixels(text(**changes)) - pixels(text())).max() > 25


@pytest.mark.parametrize("facing", [0, 45, 90, 135, 180, 225, 270, 315])
def test_every_dress_can_be_drawn_from_every_side(facing: int) -> None:
    for i in range(max(len(CUTS), len(WEARS), len(STYLES), len(BAGS))):
        chosen = {"cut": CUTS, "wear": WEARS, "style": STYLES, "bag": BAGS}
        said = {name: words[i % len(words)] for name, words in chosen.items()}
        pixels(text(facing=str(facing), **said), width=16, height=32)


def test_the_same_text_gives_the_same_bytes() -> None:
    from workbench.demo.figure import picture_of

    who = parse(text())
    assert picture_of(who, 64, 128) == picture_of(who, 64, 128) == draw(text())
    assert len(draw(text(), width=96, height=192)) < 20_000


@pytest.mark.parametrize("size", [(8, 8), (300, 100), (64, 400)])
def test_other_shapes_are_filled(size: tuple[int, int]) -> None:
    pixels(text(), width=size[0], height=size[1])


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "frames/0017.png",
        "silhouette:",
        "silhouette:v1",
        "silhouette:v2;" + text().partition(";")[2],
        text() + ";",
        text() + "\n",
        text() + ";more=1",
        " " + text(),
        text().replace("top=b8322f;", ""),
        text().replace("top=b8322f;", "top=b8322f;top=b8322f;"),
        text(top="B8322F"),
        text(top="b8322"),
        text(top="red"),
        text(cut="cape"),
        text(build="101"),
        text(facing="360"),
        text(stride="-5"),
        text(blur="1e9"),
        text(blur="٣"),
        text(blur="0.5"),
        text(hidden="9" * 5000),
        "silhouette:v1;" + "a" * 100_000,
        text(top="<img src=x onerror=alert(1)>"),
    ],
)
def test_what_is_not_of_the_form_is_refused(bad: str) -> None:
    assert not is_silhouette(bad)
    with pytest.raises(InvalidInputError) as refused:
        draw(bad)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("size", [0, -1, 7, 1025, 10**9, 64.0, "64", True, None])
def test_sizes_are_checked(size: object) -> None:
    with pytest.raises(InvalidInputError):
        draw(text(), width=size)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError):
        draw(text(), height=size)  # type: ignore[arg-type]
