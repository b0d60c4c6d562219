"""``bench.tracks.report``: one page about one identity or several, the same for the same store."""

from __future__ import annotations

import html
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench
from workbench.errors import InvalidInputError, NotFoundError, StoreError
from workbench.queries import report as module

MADE = "2026-02-01T10:00:00Z"
EVERYBODY = ["p1", "p2", "p3", "p4", "p5"]


@pytest.fixture(scope="module")
def everybody(bench: workbench.Workbench) -> Any:
    return bench.tracks.report(EVERYBODY, made=MADE)


def words(page: str) -> str:
    """Return the text of a page, without scripts and tags."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def chapter(page: str, anchor: str) -> str:
    parts = re.split(r'<section class="chapter[^"]*" id="', page)
    return words(next(part for part in parts if part.startswith(f'{anchor}"')))


def test_what_is_said_of_each_is_what_the_room_says(everybody: Any, answers: Any) -> None:
    rows = everybody.to_frame().set_index("identity_id")
    assert list(rows.index) == EVERYBODY
    assert rows["sightings"].tolist() == [8, 6, 6, 5, 3]
    assert rows["visits"].tolist() == [4, 4, 4, 3, 3]
    assert rows.loc["p4", "implausible"] == 1
    assert rows.loc["p1", "first_seen"] == pd.Timestamp("2026-01-12T08:00:00Z")
    assert rows.loc["p3", "name"] == "Chloé Martin"


def test_a_summary_in_words(everybody: Any) -> None:
    ana, ben, dana = (chapter(everybody.html, f"identity-{n}") for n in (1, 2, 4))
    assert "8 sightings in 4 visits at 3 cameras." in ana
    assert "First seen Mon 12 Jan 2026, 08:00:00 at Entrance hall (entrance)" in ana
    assert "last seen Mon 12 Jan 2026, 08:01:56 at Laboratory (lab) (UTC)." in ana
    assert "for 1 min 30 s of them nobody recognised this identity" in ana
    assert "1 gap: in a blind area" in ana
    assert "That proves nothing" in ana
    assert "1 gap: while a camera on the way was out" in ben
    assert "1 implausible move, the fastest 6.5 m/s" in dana


def test_gaps_and_implausible_moves_say_why(everybody: Any) -> None:
    ben, chloe, dana = (chapter(everybody.html, f"identity-{n}") for n in (2, 3, 4))
    assert "Corridor (corridor) was out" in ben
    assert "not explained" in chloe
    assert "13.0 m in 2 s: 6.5 m/s, over 4 m/s" in dana
    assert "d02 → d03" in dana


def test_a_gap_says_how_much_of_it_the_outage_covers(bench: Any) -> None:
    from workbench.views.report_words import Wording, gaps_table, summary

    track = bench.tracks.trajectory("p2")
    words = Wording({"corridor": "Corridor"})

    def said() -> str:
        return summary(track.sightings, track.visits, track.gaps, track.implausible, words)

    assert gaps_table(track.gaps, words)["why"].tolist() == [
        "Corridor (corridor) was out all the time: maintenance log"
    ]
    assert "1 gap: while a camera on the way was out all the time." in said()
    track.gaps["outage_s"] = 80.0
    assert gaps_table(track.gaps, words)["why"].tolist() == [
        "Corridor (corridor) was out for 1 min 20 s of the 2 min: maintenance log"
    ]
    assert "was out for 1 min 20 s of the 2 min." in said()


def test_sightings_say_where_they_come_from(everybody: Any) -> None:
    ana = chapter(everybody.html, "identity-1")
    assert "appearances.csv, 1" in ana
    assert "8 deterministic (confidence 0.95)" in ana
    assert "workbench track --csv p1" in ana
    files = everybody.files
    assert files["role"].tolist()[0] == "appearances"
    assert files["sha256"].str.len().eq(64).all()
    for sha in files["sha256"]:
        assert sha in everybody.html


def test_several_have_a_list_and_a_timeline_of_all(bench: Any, everybody: Any) -> None:
    page = everybody.html
    links = re.findall(r'href="#([^"]+)"', page)
    assert set(links) <= set(re.findall(r'id="([^"]+)"', page))
    assert links[:5] == [f"identity-{n}" for n in range(1, 6)]
    assert 'id="together"' in page
    one = bench.tracks.report("p1", made=MADE).html
    assert 'id="together"' not in one
    assert 'id="identities"' not in one
    assert one.count("data-figure=") == 2


def test_the_list_has_the_colour_of_each_that_every_view_has(everybody: Any) -> None:
    from workbench.views.style import identity_colour

    page = everybody.html
    for n, one in enumerate(EVERYBODY, 1):
        spot = f'<span class="spot" style="background:{identity_colour(one)}"></span>'
        assert f'<a href="#identity-{n}">{spot}' in page


def test_the_same_question_gives_the_same_bytes(bench: Any, everybody: Any) -> None:
    again = bench.tracks.report(EVERYBODY, made=MADE)
    assert again.html == everybody.html
    assert "Made 2026-02-01 10:00 UTC" in words(everybody.html)
    later = bench.tracks.report(EVERYBODY, made="2026-02-02T10:00:00Z").html
    assert later != everybody.html
    assert later.replace("2026-02-02 10:00", "2026-02-01 10:00") == everybody.html


def test_a_period_and_a_zone(bench: Any) -> None:
    found = bench.tracks.report(
        "p1", start="2026-01-12T09:00:10", end="2026-01-12T09:01", tz="Europe/Madrid", made=MADE
    )
    text = words(found.html)
    assert "from Mon 12 Jan 2026, 08:00:10 up to Mon 12 Jan 2026, 08:01:00, not included" in text
    assert found.to_frame()["sightings"].tolist() == [3]
    command = re.search(r"workbench track --csv (.*?) p1", text)
    assert command is not None
    assert command[1].startswith("--start 2026-01-12T08:00:10.000000Z --end")


def test_the_zone_of_the_bench_is_that_of_the_page(bench: Any) -> None:
    local = workbench.session.Workbench(bench.manager, display_tz="Europe/Madrid")
    text = words(local.tracks.report("p1", made=MADE).html)
    assert "First seen Mon 12 Jan 2026, 09:00:00 at Entrance hall" in text
    assert "Times: Europe/Madrid." in text


def test_nobody_seen_is_said(bench: Any) -> None:
    found = bench.tracks.report(["p1", "p2"], end="2026-01-12T08:05:00Z", made=MADE)
    assert found.to_frame()["sightings"].tolist() == [8, 0]
    assert "No sighting in this period. No sighting is not absence" in words(found.html)
    alone = bench.tracks.report("p2", end="2026-01-12T08:05:00Z", made=MADE)
    assert "No sighting in this period." in words(alone.html)
    assert "<script" not in alone.html  # nothing to draw


def test_who_is_not_there_is_said_before_anything_is_written(bench: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="P1") as caught:
        bench.tracks.report(["p1", "P1"]).to_html(tmp_path / "page.html")
    assert "'p1'" in str(caught.value.next)
    for ids in ([], [f"p{n}" for n in range(61)]):
        with pytest.raises(InvalidInputError, match="1 to 60"):
            bench.tracks.report(ids)
    assert list(tmp_path.iterdir()) == []


def test_twice_the_same_identity_is_one(bench: Any) -> None:
    assert len(bench.tracks.report(["p1", "p1"]).trajectories) == 1


def test_long_tables_are_cut_and_say_so(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.views import report as page

    monkeypatch.setattr(page, "_ROWS", (2, 2))
    monkeypatch.setattr(page, "_SIGHTINGS", (3, 3))
    text = words(bench.tracks.report("p1", made=MADE).html)
    assert "3 of 8 rows" in text
    assert "The first 2 of 4; all of them: workbench track --json p1" in text


def test_what_is_not_claimed_stands_on_it(everybody: Any) -> None:
    text = chapter(everybody.html, "limits")
    for said in ("No sighting is not absence", "may be wrong", "no probability", "cosine"):
        assert said in text
    assert "match" not in words(everybody.html).casefold()


def test_headings_go_down_one_step_at_a_time(everybody: Any) -> None:
    levels = [int(level) for level in re.findall(r"<h(\d)>", everybody.html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert '<th scope="col"' in everybody.html
    assert "<th>" not in everybody.html


def test_a_floor_plan_is_there_once(everybody: Any) -> None:
    block = re.search(r"<script[^>]+data-images>(.*?)</script>", everybody.html)
    assert block is not None
    assert list(json.loads(block[1])) == ["wb-image-1"]
    assert everybody.html.count('"wb-image-1"') == 1 + 5  # itself, and the map of each


def test_crops_have_words(tmp_path: Path) -> None:
    with workbench.open_demo(tmp_path / "demo", small=True) as bench:
        who = bench.identities.all().sort_values("num_appearances")["id"].iloc[-1]
        page = bench.tracks.report(who, made=MADE).html
    shown = re.findall(r'<img src="data:image/jpeg;base64,[^"]+" alt="([^"]*)">', page)
    assert len(shown) == 6
    assert all(re.match(r"crop: \w{3} \d\d \w{3} 2026, .* · ", said) for said in shown)
    assert "data-crops=" in page


# ------------------------------------------------------------------ the file
def test_the_file_is_what_is_said(everybody: Any, tmp_path: Path) -> None:
    written = everybody.to_html(tmp_path / "page.html")
    assert written.file == tmp_path / "page.html"
    assert written.bytes == written.file.stat().st_size
    assert written.file.read_text(encoding="utf-8") == everybody.html
    assert written.sections[0] == "Who is on this page"
    assert "Ana Ruiz (p1)" in written.sections
    everybody.to_html(tmp_path / "page.html")  # a page that is there is replaced
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_link_is_followed(everybody: Any, tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("")
    (tmp_path / "link.html").symlink_to("real.html")
    assert everybody.to_html(tmp_path / "link.html").file == tmp_path / "real.html"
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").stat().st_size > 1_000_000


def test_what_is_no_page_is_not_overwritten(everybody: Any, tmp_path: Path) -> None:
    table = tmp_path / "appearances.csv"
    table.write_text("id,camera_id\n")
    with pytest.raises(InvalidInputError, match="no HTML page"):
        everybody.to_html(table)
    assert table.read_text() == "id,camera_id\n"
    with pytest.raises(InvalidInputError, match="folder"):
        everybody.to_html(tmp_path)
    with pytest.raises(InvalidInputError, match="no such folder"):
        everybody.to_html(tmp_path / "not" / "there.html")
    with pytest.raises(InvalidInputError, match="device"):
        everybody.to_html("/dev/null")
    for odd in ("x" * 300 + ".html", "a\0b"):
        with pytest.raises(StoreError):
            everybody.to_html(tmp_path / odd)
    assert [path.name for path in tmp_path.iterdir()] == ["appearances.csv"]


def test_a_full_disk_leaves_the_old_page(
    everybody: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html>old")

    def full(one: object, other: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        everybody.to_html(page)
    assert page.read_text() == "<!DOCTYPE html>old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_it_shows_itself(everybody: Any) -> None:
    assert repr(everybody) == "Report on 'p1', 'p2', 'p3' and 2 more: 28 sightings"
    bundle = everybody._repr_mimebundle_()
    assert bundle["text/plain"] == repr(everybody)
    assert len(bundle["application/vnd.plotly.v1+json"]["data"]) > 3


def test_a_time_in_which_nobody_was_seen(bench: workbench.Workbench, tmp_path: Path) -> None:
    found = bench.tracks.report(["p1"], start="2030-01-01T00:00Z", end="2030-01-02T00:00Z")
    assert found.to_frame()["sightings"].tolist() == [0]
    assert found.to_frame()["first_seen"].isna().all()
    assert "No sighting is not absence" in found.html
