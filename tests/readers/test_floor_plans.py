"""Floor plans: YAML and image."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers import floor_plans, read_floor_plan

GOOD = "{level: 0, image: plan.png, metres_per_pixel: 0.05, origin_px: [10, 90.5]}"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")]
)
def test_a_plan_comes_out_in_the_columns_of_the_schema(write, kind, media_type):
    content = picture(kind)
    write(content, "plan.png")
    frame = read_floor_plan(write(GOOD, "plan.yaml"))
    assert set(frame.columns) == set(schema.FLOOR_PLAN.names) - {"load_id", "created_at"}
    row = frame.iloc[0]
    assert (row["level"], row["media_type"]) == ("0", f"image/{media_type}")
    assert row["image"] == content
    assert row[["width_px", "height_px", "metres_per_pixel"]].tolist() == [40, 30, 0.05]
    assert row[["origin_x_px", "origin_y_px"]].tolist() == [10, 90.5]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1", "needs exactly the keys"),
        ("{level: 0}", "needs exactly the keys"),
        (GOOD[:-1] + ", note: x}", "needs exactly the keys"),
        ("{", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        ("!!python/object/apply:os.system [x]", "cannot be read"),
        ("\x00", "cannot be read"),
        (GOOD.replace("plan.png", "7"), "no file name"),
        (GOOD.replace("level: 0", "level: [1]"), "level"),
        (GOOD.replace("level: 0", "level: yes"), "level"),
        (GOOD.replace("plan.png", "../plan.png"), "leaves the folder"),
        (GOOD.replace("plan.png", "/etc/passwd"), "leaves the folder"),
        (GOOD.replace("plan.png", "link.png"), "leaves the folder"),
        (GOOD.replace("0.05", "0"), "metres_per_pixel"),
        (GOOD.replace("0.05", ".nan"), "metres_per_pixel"),
        (GOOD.replace("0.05", ".inf"), "metres_per_pixel"),
        (GOOD.replace("0.05", "true"), "metres_per_pixel"),
        (GOOD.replace("0.05", "wide"), "metres_per_pixel"),
        (GOOD.replace("[10, 90.5]", "[10]"), "origin_px"),
        (GOOD.replace("[10, 90.5]", "[10, x]"), "origin_px"),
    ],
)
def test_a_yaml_that_cannot_be_used_is_refused(write, tmp_path, text, says):
    write(picture(), "plan.png")
    (tmp_path / "link.png").symlink_to(Path(__file__))
    with pytest.raises(InvalidInputError, match=says) as caught:
        read_floor_plan(write(text, "plan.yaml"))
    assert caught.value.where and caught.value.next


@pytest.mark.parametrize(
    "content", [b"", b"text", picture()[:-200], picture("JPEG")[:300], picture("GIF")]
)
def test_an_image_that_cannot_be_used_is_refused(write, content):
    write(content, "plan.png")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_floor_plan(write(GOOD, "plan.yaml"))


def test_sizes_have_an_end(write, monkeypatch):
    write(picture(), "plan.png")
    path = write(GOOD, "plan.yaml")
    monkeypatch.setattr(floor_plans, "LARGEST_AREA_PX", 1199)
    with pytest.raises(InvalidInputError, match="too many"):
        read_floor_plan(path)
    monkeypatch.setattr(floor_plans, "LARGEST_IMAGE", 100)
    with pytest.raises(InvalidInputError, match="larger than 100 bytes"):
        read_floor_plan(path)


def test_numbers_yaml_takes_for_text_are_numbers(write):
    write(picture(), "plan.png")
    path = write(GOOD.replace("0.05", "5e-2"), "plan.yaml")
    assert read_floor_plan(path)["metres_per_pixel"].tolist() == [0.05]


def test_missing_files(write, tmp_path):
    with pytest.raises(NotFoundError):
        read_floor_plan(tmp_path / "none.yaml")
    with pytest.raises(NotFoundError, match=r"plan\.png"):
        read_floor_plan(write(GOOD, "plan.yaml"))
