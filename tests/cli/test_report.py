"""``workbench report``: a page is written, or nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_the_document(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "p4", "--html", "page.html", "--store", site]
    found = quick(*words, "--json", "--made", "2026-02-01T10:00:00Z", cwd=tmp_path).document()
    assert found["file"] == str(tmp_path / "page.html")
    assert found["bytes"] == (tmp_path / "page.html").stat().st_size
    assert found["sections"] == [
        "Who is on this page",
        "All of them together",
        "Ana Ruiz (p1)",
        "Dana Levi (p4)",
        "What this page does not claim",
        "Where it comes from",
    ]
    first = (tmp_path / "page.html").read_bytes()
    assert b"Made 2026-02-01 10:00 UTC" in first
    quick(*words, "--made", "2026-02-01T10:00:00Z", cwd=tmp_path)
    assert (tmp_path / "page.html").read_bytes() == first


def test_the_table_and_the_text(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "p4", "--html", tmp_path / "page.html", "--store", site]
    table = quick(*words, "--csv").out.splitlines()
    assert table[0].startswith(
        "identity_id,name,sightings,visits,cameras,gaps,unseen_gaps,implausible"
    )
    assert table[1].startswith("p1,Ana Ruiz,8,4,3,1,1,0,2026-01-12T08:00:00.000000Z")
    done = quick(*words, "--end", "2026-01-12T09:20", "--tz", "Europe/Madrid")
    assert done.code == 0
    assert str(tmp_path / "page.html") in done.out
    assert "No sighting is not absence" in done.out  # of Dana there is none before that


def test_everywhere_the_same_gaps_are_counted(quick: Any, tmp_path: Path) -> None:
    """Three gaps: one that b watched, and one absence that both a and b lost at one moment."""
    seen = [("a", 0), ("a", 5), ("a", 60), ("a", 61), ("c", 180)]
    seen += [("b", second) for second in (2, 21, 41, 61)]
    rows = [f"{camera},2026-01-01T08:0{s // 60}:{s % 60:02d}Z,p1\n" for camera, s in seen]
    (tmp_path / "seen.csv").write_text("camera_id,timestamp,identity_id\n" + "".join(rows))
    store = ["--store", tmp_path / "store"]
    assert quick("ingest", tmp_path / "seen.csv", *store).code == 0

    track = quick("track", "p1", *store)
    assert "4 visits, 3 gaps (1 unseen), 0 implausible moves" in track.out
    assert "Unseen gaps: no sighting is not absence" in track.out
    assert "2 more gaps, not listed: another camera saw this identity meanwhile" in track.out
    assert len(quick("track", "p1", *store, "--json").document()["gaps"]) == 3

    report = ["report", "p1", "--html", tmp_path / "page.html", *store]
    assert quick(*report, "--csv").out.splitlines()[1].startswith("p1,,9,4,3,3,1,0,")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 gaps, 1 unseen: not explained." in page
    assert "Unseen gaps: nobody recognised this identity" in page
    assert "2 more gaps, not listed" in page
    assert " 1 unseen gap" in page  # what stands above the timeline


def test_local_times_stand_on_the_page_alone(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "--html", tmp_path / "page.html", "--store", site]
    quick(*words, "--json", "--display-tz", "Europe/Madrid").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Mon 12 Jan 2026, 09:00:00 at Entrance hall (entrance)" in page


def test_the_period_is_told_by_the_same_clock(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "--html", tmp_path / "page.html", "--store", site]
    day = ["--start", "2026-01-12", "--end", "2026-01-13T12:30", "--tz", "America/New_York"]
    quick(*words, *day, "--display-tz", "Europe/Madrid", "--json").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    told = "from Mon 12 Jan 2026, 06:00:00 up to Tue 13 Jan 2026, 18:30:00, not included"
    assert f"Period: {told} (Europe/Madrid). Times: Europe/Madrid." in page
    assert "--start 2026-01-12T05:00:00.000000Z" in page  # commands leave no doubt
    quick(*words, *day[2:], "--json").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Period: up to Tue 13 Jan 2026, 17:30:00, not included (UTC)." in page
    quick(*words, "--json").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Period: everything in the store. Times: UTC." in page


def test_limits_of_a_question_stand_in_its_commands(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p4", "--html", tmp_path / "page.html", "--store", site]
    quick(*words, "--max-gap", 10, "--max-speed", 9, "--json").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "workbench track --csv --max-gap 10 --max-speed 9 p4" in page
    assert "No move is implausible." in page


def test_who_is_not_there(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "P4", "--html", tmp_path / "page.html", "--store", site, "--json"]
    error = quick(*words).error(3)
    assert error["message"] == "There is no identity 'P4'."
    assert "'p4'" in error["next"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", "not/there.html", "table.csv"])
def test_where_no_page_can_be(quick: Any, site: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "table.csv").write_text("id\n")
    words = ["report", "p1", "--html", name, "--store", site, "--json"]
    assert quick(*words, cwd=tmp_path).error(2)["where"]
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert (tmp_path / "table.csv").read_text() == "id\n"


def test_bad_usage(quick: Any, site: Path, tmp_path: Path) -> None:
    assert quick("report", "--html", tmp_path / "x.html", "--store", site, "--json").code == 2
    assert quick("report", "p1", "--store", site, "--json").code == 2
    none = quick("report", "p1", "--html", tmp_path / "x.html", "--store", tmp_path / "no")
    assert none.code == 3
    assert list(tmp_path.iterdir()) == []
