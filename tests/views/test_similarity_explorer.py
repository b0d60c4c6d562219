"""The similarity explorer without a browser: what happens is told by its parts."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.views.points import CAMERAS, HOSTILE, NAMES, points
from workbench.errors import NotFoundError

pytest.importorskip("ipywidgets", reason="the extra lab is not installed")

from workbench.views import SimilarityExplorer


def near(key: str, k: int) -> pd.DataFrame:
    """Return two neighbours of any id but one."""
    if key == "gone":
        raise NotFoundError("There is no <b>gone</b>.", next="Did you mean '<i>a1</i>'?")
    return pd.DataFrame(
        {
            "query": key,
            "rank": [1, 2],
            "appearance_id": ["a00005", "elsewhere"],
            "identity_id": pd.Series(["p1", None], dtype="str"),
            "similarity": [0.81, -0.3],
            "camera_id": pd.Series(["c1", None], dtype="str"),
            "timestamp": pd.to_datetime(["2026-01-12T08:05Z", "2026-01-12T09:00Z"], utc=True),
        }
    )


def png(_: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 8), "red").save(out, "PNG")
    return out.getvalue()


def explorer(rows: pd.DataFrame | None = None, **more: Any) -> Any:
    given: dict[str, Any] = {
        "space": "face",
        "neighbours": near,
        "random": np.linspace(-0.2, 0.5, 100),
        "standing": lambda cosine: f"stands at {cosine:.1f} <u>",
        "crop": png,
        "kept": (0.2, 0.1),
        "names": NAMES,
        "cameras": CAMERAS,
        "display_tz": "Europe/Madrid",
    }
    return SimilarityExplorer(points() if rows is None else rows, **given | more)


def by_class(widget: Any, name: str) -> Any:
    """Return the part with a class name."""
    found = [widget] if name in getattr(widget, "_dom_classes", ()) else []
    for child in getattr(widget, "children", ()):
        found += [one] if (one := by_class(child, name)) is not None else []
    return found[0] if found else None


def panel(widget: Any) -> str:
    return str(by_class(widget, "wb-neighbours").value)


def base(widget: Any) -> Any:
    return widget._canvas.figure.data[0]


def drawn_at(widget: Any, position: int) -> int:
    """Return which point of the trace a row is drawn as."""
    return int(np.flatnonzero(widget._canvas._drawn == position)[0])


def click(widget: Any, position: int) -> None:
    """Do what the browser does when a point is clicked."""
    widget._canvas._clicked(None, SimpleNamespace(point_inds=[drawn_at(widget, position)]), None)


def test_every_panel_can_be_found_and_nothing_says_match() -> None:
    shown = explorer()
    names = ["title", "colour", "camera", "time", "query", "count", "canvas", "legend",
             "neighbours", "reset"]  # fmt: skip
    for name in names:
        assert by_class(shown, f"wb-{name}") is not None, name
    assert "wb-similarity" in shown._dom_classes
    assert repr(shown) == "SimilarityExplorer of face: 60 of 60 vectors shown"
    click(shown, 3)
    said = panel(shown) + by_class(shown, "wb-title").value + by_class(shown, "wb-legend").value
    assert "cosine" in said and "match" not in said.lower()


def test_a_click_shows_the_neighbours() -> None:
    shown = explorer()
    assert "Click a point" in panel(shown) and shown.clicked.empty
    click(shown, 31)
    assert shown.clicked["id"].tolist() == ["a00031"]
    said = panel(shown)
    assert "Ada (p2)" in said and "appearance a00031" in said
    assert "cosine <b>0.810</b>, stands at 0.8 &lt;u&gt;" in said
    assert "cosine <b>-0.300</b>" in said and "unidentified" in said and "no camera" in said
    assert "Mon 12 Jan, 09:05:00" in said and "Europe/Madrid" in said
    assert said.count("data:image/png;base64,") == 3
    assert "100 random pairs" in said
    # What is not among the points has no ring; what was asked for has another one.
    figure = shown._canvas.figure
    rows = points()
    assert list(figure.data[1].x) == [rows["x"][5]] and list(figure.data[2].x) == [rows["x"][31]]


def test_a_lasso_is_the_selection_and_a_filter_takes_from_it() -> None:
    shown = explorer()
    some = [drawn_at(shown, at) for at in (3, 4, 5, 6)]
    shown._canvas._selected(None, SimpleNamespace(point_inds=some), None)
    assert shown.selection()["id"].tolist() == ["a00003", "a00004", "a00005", "a00006"]
    assert {"x", "y", "camera_id", "timestamp", "identity_id"} <= set(shown.selection())
    assert "4 selected" in by_class(shown, "wb-count").value
    shown.camera.value = ("c2",)
    assert shown.selection()["id"].tolist() == ["a00003", "a00006"]
    assert len(base(shown).selectedpoints) == 2
    shown.clear()
    assert shown.selection().empty and base(shown).selectedpoints is None
    assert "60 of 60 shown" in by_class(shown, "wb-count").value


def test_filters_by_camera_and_time_leave_what_they_say() -> None:
    shown = explorer()
    shown.camera.value = ("c2",)
    assert set(shown.shown["camera_id"]) == {"c2"}
    labels = [label for label, _ in shown.time.options]
    assert labels[0] == "09:00:00"
    shown.time.index = (9, 18)
    start, end = shown.time.value
    us = shown.shown["timestamp"].astype("int64")
    assert len(us) and ((us >= start) & (us < end)).all()
    # Nine minutes, the end not in it; every third row is at this camera.
    assert shown.shown["id"].tolist() == ["a00009", "a00012", "a00015"]
    count = len(shown.shown)
    assert f"<b>{count} of 60 shown</b>" in by_class(shown, "wb-count").value
    assert len(base(shown).x) == count
    click(shown, int(shown.shown["id"].iloc[0][1:]))
    assert shown.clicked["id"].tolist() == [shown.shown["id"].iloc[0]]


def test_all_the_time_there_is_can_be_chosen() -> None:
    for n in (1, 2, 60):
        shown = explorer(points(n))
        assert len(shown.shown) == n
        assert len(shown.time.options) >= 2
    late = points(60)
    late["timestamp"] += pd.Timedelta(seconds=7)
    assert explorer(late).time.options[0][0] == "09:00:00"


def test_the_query_takes_appearances_and_identities() -> None:
    shown = explorer()
    shown.query.value = " a00031 "
    assert shown.clicked["id"].tolist() == ["a00031"]
    shown.query.value = "p2"
    assert shown.clicked.empty
    assert "the mean of 20 vectors" in panel(shown)
    assert len(shown._canvas.figure.data[2].x) == 20
    shown.query.value = ""
    assert "Click a point" in panel(shown) and len(shown._canvas.figure.data[2].x) == 0


def test_an_unknown_id_is_said_in_words_and_as_text() -> None:
    shown = explorer()
    shown.query.value = "gone"
    assert "There is no &lt;b&gt;gone&lt;/b&gt;." in panel(shown)
    assert "Did you mean &#39;&lt;i&gt;a1&lt;/i&gt;&#39;?" in panel(shown)


@pytest.mark.parametrize("most", [100, 10])
@pytest.mark.parametrize("colour", ["identity", "camera", "time", "face_quality"])
def test_hostile_names_are_text_everywhere(colour: str, most: int) -> None:
    shown = explorer(colour=colour, most=most)
    shown.ask("a00001")
    shown.ask("p1")
    said = panel(shown) + by_class(shown, "wb-legend").value + by_class(shown, "wb-title").value
    assert HOSTILE not in said
    if most == 100:
        assert not [text for text in base(shown).hovertext if HOSTILE in text]
    # The options of a list are text already: written as they are.
    assert HOSTILE in [label for label, _ in shown.camera.options]


def test_colours_change_what_is_drawn_and_the_legend() -> None:
    shown = explorer()
    before = list(base(shown).marker.color)
    assert "unidentified" in by_class(shown, "wb-legend").value
    shown.colour.value = "time"
    legend = by_class(shown, "wb-legend").value
    assert "local time (Europe/Madrid)" in legend and "linear-gradient" in legend
    assert list(base(shown).marker.color) != before
    assert [name for _, name in shown.colour.options] == [
        "identity", "camera", "time", "face_quality",
    ]  # fmt: skip


def test_beyond_the_limit_the_canvas_is_webgl_and_does_the_same() -> None:
    shown = explorer(most=10)
    cloud = shown._canvas.cloud
    assert repr(cloud) == "PointCloud(60 points)"
    for fn in cloud._told["click"]:
        fn(31)
    assert shown.clicked["id"].tolist() == ["a00031"] and len(cloud.marks) == 2
    cloud.select([3, 4, 5, 6])
    assert len(shown.selection()) == 4
    shown.camera.value = ("c2",)
    assert shown.selection()["id"].tolist() == ["a00003", "a00006"]
    assert cloud.selected().tolist() == [3, 6]
    assert np.unpackbits(np.frombuffer(cloud._mask[:-1], dtype="uint8")).sum() == 20
    shown.clear()
    assert shown.selection().empty and len(cloud.selected()) == 0
    shown.colour.value = "time"
    assert "unidentified" not in by_class(shown, "wb-legend").value


def test_a_page_that_opens_late_is_given_what_is_drawn_now() -> None:
    shown = explorer()
    shown.camera.value = ("c2",)
    click(shown, 3)
    state = shown._canvas.figure.get_state()
    sent = [trace["x"] for trace in state["_widget_data"]]
    sent = [x["shape"][0] if isinstance(x, dict) else len(x) for x in sent]
    assert sent == [20, 0, 1]  # its neighbour is at the other camera


def test_nothing_to_show_is_shown() -> None:
    shown = explorer(points(1).iloc[:0], random=np.empty(0))
    assert "0 of 0 shown" in by_class(shown, "wb-count").value
    assert shown.selection().empty


def test_the_picture_sits_in_an_output_and_offers_lasso_but_no_upload() -> None:
    shown = explorer()
    (output,) = by_class(shown, "wb-canvas").outputs
    assert list(output["data"]) == ["application/vnd.jupyter.widget-view+json", "text/plain"]
    layout = shown._canvas.figure.layout
    assert set(layout.modebar.remove) == {"sendChartToCloud", "sendDataToCloud"} or (
        "sendChartToCloud" in layout.modebar.remove
    )
    assert "lasso2d" not in layout.modebar.remove
    assert (layout.clickmode, layout.dragmode) == ("event", "lasso")
    assert shown._canvas.figure._config["displaylogo"] is False
