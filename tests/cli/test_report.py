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
    assert table[0].startswith("identity_id,name,sightings,visits,cameras,gaps,implausible")
    assert table[1].startswith("p1,Ana Ruiz,8,4,3,1,0,2026-01-12T08:00:00.000000Z")
    done = quick(*words, "--end", "2026-01-12T09:20", "--tz", "Europe/Madrid")
    assert done.code == 0
    assert str(tmp_path / "page.html") in done.out
    assert "No sighting is not absence" in done.out  # of Dana there is none before that


def test_local_times_stand_on_the_page_alone(quick: Any, site: Path, tmp_path: Path) -> None:
    words = ["report", "p1", "--html", tmp_path / "page.html", "--store", site]
    quick(*words, "--json", "--display-tz", "Europe/Madrid").document()
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Mon 12 Jan 2026, 09:00:00 at Entrance hall (entrance)" in page


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
