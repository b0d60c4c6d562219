"""Loading and taking back, by the command."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

HEADER = "id,timestamp,camera_id,identity_id\n"


def test_the_small_site(loaded: tuple[Path, Any]) -> None:
    found = loaded[1].document()
    assert loaded[1].err == ""
    counts = {"rows": 30, "added": 30, "updated": 0, "unchanged": 0, "duplicates": 0}
    counts |= {"filtered": 0, "rejected": 0, "identities": 5, "appearances": 30, "cameras": 4}
    assert {name: found[name] for name in counts} == counts
    assert found["vectors"] == {"face": 19, "reid": 29}
    assert (found["format"], found["rejects_file"]) == ("csv", None)


def test_the_same_again_changes_nothing(quick: Any, copy: Path, site_words: list[str]) -> None:
    before = quick("stats", "--store", copy, "--json").document()["sequence"]
    found = quick(*site_words, "--store", copy, "--json").document()
    assert (found["rows"], found["unchanged"], found["added"]) == (30, 30, 0)
    assert quick("stats", "--store", copy, "--json").document()["sequence"] == before


def test_other_options_for_the_same_content_are_refused(
    quick: Any, copy: Path, tiny_site: Path
) -> None:
    words = ["ingest", tiny_site / "appearances.csv", "--dataset", "two", "--store", copy]
    error = quick(*words, "--json").error(2)
    assert error["type"] == "ConflictError" and "workbench unload" in error["next"]


def test_bad_rows_are_counted_kept_and_exit_1(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    good = "a,2026-01-01T00:00:00Z,c1,p1\n"
    file.write_text(HEADER + good + "b,yesterday,c1,p1\n" + "c,2026-01-01T00:00:10Z,c1,\n")
    found = run("ingest", file, "--store", tmp_path / "s", "--json").document(code=1)
    assert (found["rows"], found["added"], found["rejected"]) == (3, 2, 1)
    rejects = Path(found["rejects_file"])
    assert rejects.is_absolute()
    (row,) = csv.DictReader(rejects.read_text(encoding="utf-8").splitlines())
    assert (row["file"], row["line"], row["column"], row["value"]) == (
        "bad.csv",
        "3",
        "timestamp",
        "yesterday",
    )


def test_strict_refuses_it_all(quick: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(HEADER + "a,2026-01-01T00:00:00Z,c1,p1\nb,yesterday,c1,p1\n")
    error = quick("ingest", file, "--store", tmp_path / "s", "--strict", "--json").error(2)
    assert error["where"] == "bad.csv, line 3"
    assert not (tmp_path / "s").exists()


def test_duplicates_alone_are_no_finding(quick: Any, tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    file.write_text(HEADER + "a,2026-01-01T00:00:00Z,c1,p1\n" * 2)
    found = quick("ingest", file, "--store", tmp_path / "s", "--json").document()
    assert (found["added"], found["duplicates"]) == (1, 1)


def test_a_dry_run_writes_nothing(quick: Any, tmp_path: Path, site_words: list[str]) -> None:
    found = quick(*site_words, "--store", tmp_path / "s", "--dry-run", "--json").document()
    assert (found["rows"], found["added"]) == (30, 30)
    assert not (tmp_path / "s").exists()
    text = quick(*site_words, "--store", tmp_path / "s", "--dry-run")
    assert "nothing was written" in text.out


def test_the_summary_in_words(quick: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("datetime,cam,pid\n2026-01-01T00:00:00Z,c1,p1\nnever,c1,p1\n")
    done = quick("ingest", file, "--store", tmp_path / "s")
    assert done.code == 1
    for line in (
        "Loaded 2 rows (csv) in ",
        "  rejected         1\n",
        "  datetime -> timestamp\n",
        f"Rows that could not be used: {tmp_path / 's' / 'rejects'}",
        "next: ",
    ):
        assert line in done.out


def test_other_column_names(quick: Any, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("when,who,where,gate\n2026-01-01 01:00,7,east,g\n")
    pairs = {"timestamp": "when", "identity_id": "who", "camera_id": "where", "name": "gate"}
    words = [word for a, b in pairs.items() for word in ("--columns", f"{a}={b}")][:6]
    store = tmp_path / "s"
    refused = quick("ingest", file, *words, "--store", store, "--json").error(2)
    assert "no time zone" in refused["message"] and "--tz" in refused["next"]
    assert not store.exists()
    words += ["--tz", "Europe/Madrid", "--dataset", "site"]
    quick("ingest", file, *words, "--store", store, "--json").document()
    (row,) = quick("appearances", "--store", store, "--json").document()["appearances"]
    assert (row["timestamp"], row["identity_id"]) == ("2026-01-01T00:00:00.000000Z", "site:7")
    assert (row["camera_id"], row["properties"]) == ("site:east", {"gate": "g"})


def test_every_other_option(quick: Any, tmp_path: Path) -> None:
    """Frames, corners, feet, filters, strangers: one file each, all options of reading."""
    (tmp_path / "v.csv").write_text(
        "frame,list,track,who,x1,y1,x2,y2\n0,a,1,?,1,2,11,22\n30,a,1,-,1,2,11,22\n9,b,1,p,0,0,1,1\n"
    )
    (tmp_path / "cams.csv").write_text("name_of_it,east\nc1,10\n")
    words = ["ingest", tmp_path / "v.csv", "--format", "csv", "--camera", "c1", "--fps", "30"]
    words += ["--start-time", "2026-01-01T01:00", "--tz", "Europe/Madrid", "--box", "xyxy"]
    words += ["--where", "list == 'a'", "--columns", "identity_id=who", "--unidentified", "?"]
    words += ["--columns", "tracking_id=track", "--unidentified", "-", "--position-unit", "ft"]
    words += ["--cameras", tmp_path / "cams.csv", "--camera-columns", "id=name_of_it"]
    words += ["--camera-columns", "position_x=east", "--store", tmp_path / "s"]
    found = quick(*words, "--json").document()
    assert (found["rows"], found["added"], found["filtered"]) == (3, 2, 1)
    rows = quick("appearances", "--store", tmp_path / "s", "--json").document()["appearances"]
    assert [row["timestamp"] for row in rows] == [
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:01.000000Z",
    ]
    assert [row["identity_id"] for row in rows] == [None, None]
    assert [rows[0][f"bbox_{side}"] for side in "xywh"] == [1, 2, 10, 20]
    (camera,) = quick("cameras", "--store", tmp_path / "s", "--json").document()["cameras"]
    assert camera["position_x"] == 3.048


def test_tracks_as_identities_and_numbers_as_times(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("timestamp,camera_id,tracking_id\n1767225600000,c1,5\n")
    words = ["ingest", tmp_path / "t.csv", "--identity-from", "track", "--time-unit", "ms"]
    quick(*words, "--store", tmp_path / "s", "--json").document()
    (row,) = quick("identities", "--store", tmp_path / "s", "--json").document()["identities"]
    assert (row["id"], row["first_seen"]) == ("c1/5", "2026-01-01T00:00:00.000000Z")


def test_vectors_by_row_into_a_space_of_their_own(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(HEADER + "a,2026-01-01T00:00Z,c,p\nb,2026-01-01T00:01Z,c,p\n")
    np.save(tmp_path / "gait.npy", np.array([[3.0, 4.0, 0.0], [np.nan] * 3], dtype="float32"))
    words = ["ingest", tmp_path / "t.csv", "--vectors", f"gait={tmp_path / 'gait.npy'}"]
    words += ["--join", "row", "--model-id", "m-1", "--precision", "float32"]
    found = quick(*words, "--store", tmp_path / "s", "--json").document()
    assert found["vectors"] == {"gait": 1}
    space = quick("stats", "--store", tmp_path / "s", "--json").document()["spaces"]["gait"]
    assert (space["dim"], space["model_id"], space["precision"]) == (3, "m-1", "float32")


def test_a_table_alone_and_update(quick: Any, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "who.csv").write_text("identity_id,name\np1,Anna\np9,New\n")
    words = ["ingest", "--identities", tmp_path / "who.csv", "--store", copy, "--json"]
    found = quick(*words).document(code=1)
    assert (found["format"], found["identities"], found["rejected"]) == (None, 1, 1)
    quick(*words, "--update").document()
    assert quick("identity", "p1", "--store", copy, "--json").document()["name"] == "Anna"


def test_contacts_and_sources(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("t,i,j\n20,1,2\n")
    words = ["ingest", tmp_path / "c.csv", "--format", "contacts"]
    words += ["--start-time", "2026-01-01T00:00:00Z", "--store", tmp_path / "s", "--json"]
    found = quick(*words).document()
    assert (found["format"], found["rows"], found["appearances"]) == ("contacts", 1, 2)
    (tmp_path / "v1.csv").write_text("frame,identity_id\n25,p\n")
    (tmp_path / "src.csv").write_text(
        "file,camera_id,start_time,fps\nv1.csv,c7,2026-01-02T00:00:00Z,25\n"
    )
    words = ["ingest", tmp_path / "v1.csv", "--sources", tmp_path / "src.csv"]
    quick(*words, "--store", tmp_path / "s", "--json").document()
    words = ["track", "p", "--store", tmp_path / "s", "--json"]
    (sighting,) = quick(*words).document()["sightings"]
    assert (sighting["camera_id"], sighting["timestamp"]) == ("c7", "2026-01-02T00:00:01.000000Z")


def test_unload(run: Any, quick: Any, copy: Path) -> None:
    (load,) = quick("loads", "--store", copy, "--json").document()["loads"]
    removed = run("unload", load["load_id"], "--store", copy, "--json").document()["removed"]
    assert (removed["appearances"], removed["identities"], removed["cameras"]) == (30, 5, 4)
    found = quick("stats", "--store", copy, "--json").document()
    assert (found["identities"], found["appearances"], found["cameras"]) == (0, 0, 0)
    assert (found["first_seen"], found["bytes_per_appearance"]) == (None, None)
    assert quick("loads", "--store", copy, "--json").document() == {"loads": []}


def test_detect_needs_no_store(run: Any, quick: Any, tiny_site: Path, tmp_path: Path) -> None:
    found = run("detect", tiny_site / "outages.csv", "--json", cwd=tmp_path).document()
    assert found["format"] == "outages" and found["columns"][0] == "camera_id"
    assert found["next"].startswith("workbench ingest --outages ")
    assert list(tmp_path.iterdir()) == []
    assert "next:\n  workbench ingest" in quick("detect", tiny_site / "appearances.csv").out
