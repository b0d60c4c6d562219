"""Loading and taking back, by the command."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
        "Loaded 1 of 2 rows; 1 refused: line 3: datetime 'never': not an ISO 8601 time\n",
        "  rejected         1\n",
        "  datetime -> timestamp\n",
        f"Rows that could not be used, with reasons: {tmp_path / 's' / 'rejects'}",
        "next: ",
    ):
        assert line in done.out
    assert done.out.index("refused") < done.out.index("reasons: ") < done.out.index("next: ")


def test_a_headline_says_how_many_of_how_many(quick: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    rows = ["a,2026-01-01T00:00:00Z,c1,p1", "b,never,c1,p1", "c,,c1,p1", "d,2026,c1,p1"]
    file.write_text(HEADER + "\n".join([*rows, "e,2026-01-01T00:00:09Z,c1,p2"]))
    words = ["ingest", file, "--where", "identity_id != 'p2'", "--store", tmp_path / "s"]
    would = quick(*words, "--dry-run")
    done = quick(*words)
    told = "1 of 5 rows; 3 refused: line 3: timestamp 'never': not an ISO 8601 time (and 2 more)\n"
    assert would.out.startswith(f"Would load {told}") and "nothing was written" in would.out
    assert done.out.startswith(f"Loaded {told}") and done.code == 1
    assert "line 4: timestamp: missing" in _second_reject(quick, tmp_path)
    (tmp_path / "fine.csv").write_text(HEADER + rows[0])
    done = quick("ingest", tmp_path / "fine.csv", "--store", tmp_path / "s2")
    assert done.code == 0 and done.out.startswith("Loaded 1 row (csv) in ")


def _second_reject(quick: Any, folder: Path) -> str:
    (folder / "y.csv").write_text(HEADER + "a,2026-01-01T00:00:00Z,c1,p1\n" * 2 + "c,,c1,p1\n")
    return quick("ingest", folder / "y.csv", "--store", folder / "y").out


def test_a_bad_row_of_a_table_beside_names_its_file(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(HEADER + "a,2026-01-01T00:00:00Z,c1,p1\n")
    (tmp_path / "cams.csv").write_text("id,position_x\nc1,\x1b[2Jeast\n")
    words = ["ingest", tmp_path / "x.csv", "--cameras", tmp_path / "cams.csv"]
    done = quick(*words, "--store", tmp_path / "s")
    assert done.code == 1
    assert "Loaded 1 row; rows of a table beside were refused: cams.csv, line 2: pos" in done.out
    assert "\x1b" not in done.out
    found = quick(*words, "--store", tmp_path / "s2", "--json").document(code=1)
    first = found["first_reject"]
    assert (first["file"], first["line"], first["column"]) == ("cams.csv", 2, "position_x")


def test_columns_that_are_not_used_are_named(quick: Any, tmp_path: Path) -> None:
    more = [f"extra_{n}" for n in range(20)]
    (tmp_path / "x.csv").write_text(
        f"timestamp,camera_id,{','.join(more)}\n2026-01-01T00:00Z,c1{',1' * 20}\n"
    )
    (tmp_path / "out.csv").write_text(
        "camera_id,start,end,note\nc1,2026-01-01T00:00Z,2026-01-02T00:00Z,z\n"
    )
    words = ["ingest", tmp_path / "x.csv", "--outages", tmp_path / "out.csv"]
    said = quick(*words, "--store", tmp_path / "s").out
    shown = ", ".join(more[:8])
    assert f"Columns not used, kept as properties: {shown} and 12 more\n" in said
    assert "Columns not used, left out: note\n" in said
    found = quick(*words, "--store", tmp_path / "s2", "--json").document()
    assert (found["columns_as_properties"], found["columns_ignored"]) == (more, ["note"])
    assert found["first_reject"] is None
    said = quick("detect", tmp_path / "x.csv").out
    assert f"not used        {shown} and 12 more (kept as properties)\n" in said
    (tmp_path / "plain.csv").write_text("timestamp,camera_id\n2026-01-01T00:00Z,c1\n")
    for words in (["detect"], ["ingest", "--store", tmp_path / "s3"]):
        assert "not used" not in quick(*words, tmp_path / "plain.csv").out


@pytest.mark.parametrize(
    ("name", "content", "kind", "option"),
    [
        ("cams.csv", "camera_id,x_m,y_m\nc,1,2\n", "a table of cameras", "--cameras"),
        ("a.csv", "from_camera,to_camera\na,b\n", "a table of ways", "--adjacency"),
        ("o.csv", "camera_id,start,end\nc,2026,2027\n", "a table of outages", "--outages"),
        ("i.csv", "person_id,name\n1,Ana\n", "a table of identities", "--identities"),
        ("s.csv", "file,camera_id,fps\nv.csv,c,25\n", "a table of sources", "--sources"),
        ("p.yaml", "{image: p.png, metres_per_pixel: 1}", "a floor plan", "--floor-plan"),
        ("f.npy", 512, "vectors", "--face"),
        ("g.npy", 7, "vectors", "--vectors SPACE="),
    ],
)
def test_a_table_given_as_appearances_is_recognised(
    quick: Any, tmp_path: Path, name: str, content: Any, kind: str, option: str
) -> None:
    file = tmp_path / name
    if isinstance(content, int):
        np.save(file, np.ones((3, content), dtype="float32"))
    else:
        file.write_text(content)
    error = quick("ingest", file, "--store", tmp_path / "s", "--json").error(2)
    assert error["message"].startswith(f"{name!r} looks like {kind}")
    joined = option if option.endswith("=") else f"{option} "
    assert error["next"].startswith(f"Use {joined}{file} ")
    assert not (tmp_path / "s").exists()


def test_who_maps_columns_is_told_of_the_mapping(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("person_id,name\n1,Ana\n")
    words = ["ingest", tmp_path / "i.csv", "--store", tmp_path / "s", "--json"]
    error = quick(*words, "--columns", "timestamp=name").error(2)
    assert "has no camera" in error["message"]
    assert "has no time" in quick(*words, "--camera", "c").error(2)["message"]


def test_a_table_alone_speaks_of_no_rows(quick: Any, tiny_site: Path, tmp_path: Path) -> None:
    words = ["ingest", "--cameras", tiny_site / "cameras.csv", "--store", tmp_path / "s"]
    assert quick(*words).out.startswith("Loaded the tables in ")


def test_of_tables_it_says_what_is_new(quick: Any, tiny_site: Path, tmp_path: Path) -> None:
    names = ("cameras", "adjacency", "outages", "identities")
    words: list[Any] = ["ingest", "--store", tmp_path / "s"]
    for name in names:
        words += [f"--{name}", tiny_site / f"{name}.csv"]
    words += ["--floor-plan", tiny_site / "floor_plan.yaml"]
    rows = [len((tiny_site / f"{name}.csv").read_text().splitlines()) - 1 for name in names]
    new = dict(zip(names, rows, strict=True)) | {"floor_plans": 1}
    for more in (["--dry-run"], []):
        assert quick(*words, *more, "--json").document()["tables"] == new
    for more in (["--dry-run"], [], ["--update"]):  # the same again
        assert set(quick(*words, *more, "--json").document()["tables"].values()) == {0}
    outage = tmp_path / "o.csv"
    outage.write_text("camera_id,start,end\nroof,2026-01-12T08:00Z,2026-01-12T09:00Z\n")
    said = quick("ingest", "--outages", outage, "--store", tmp_path / "s").out.splitlines()
    assert said[1:3] == ["  new cameras  1", "  new outages  1"]


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


def test_what_detect_names_goes_into_the_store_that_was_named(quick: Any, tmp_path: Path) -> None:
    file, store = tmp_path / "x.csv", tmp_path / "my store"
    file.write_text("when,who,where\n2026-01-01 01:00,7,east\n")
    found = quick("detect", file, "--store", store, "--json").document()
    words = shlex.split(found["next"])
    assert words[:4] == ["workbench", "ingest", "--store", str(store)]
    assert found["next"] in quick("detect", file, WORKBENCH_STORE=str(store)).out
    assert "--store" not in quick("detect", file).out
    quick(*words[1:], "--json").document()
    assert quick("stats", "--store", store, "--json").document()["identities"] == 1
    file.write_text("time,cam,pid\n2026/01/01 01:00,c,7\n")
    line = quick("detect", file, "--store", store, "--json").document()["next"]
    assert shlex.split(line)[-2:] == ["--store", str(store)] and " && workbench ingest " in line


def test_distances_of_all_pairs_given_as_adjacency_are_warned_of(run: Any, tmp_path: Path) -> None:
    cameras = [f"c{n}" for n in range(12)]
    pairs = [f"{a},{b},5\n" for n, a in enumerate(cameras) for b in cameras[n + 1 :]]
    table = tmp_path / "distances.csv"
    table.write_text("camera_a,camera_b,distance_m\n" + "".join(pairs))
    done = run("ingest", "--adjacency", table, "--store", tmp_path / "all", "--json")
    assert done.document()["cameras"] == 12
    assert done.err.startswith("warning: distances.csv makes 66 of the 66 pairs of 12 cameras")
    table.write_text("camera_a,camera_b,distance_m\n" + "".join(pairs[:40]))
    done = run("ingest", "--adjacency", table, "--store", tmp_path / "some", "--json")
    assert done.err == ""


def test_a_direction_read_from_a_foreign_name_says_how_it_turns(quick: Any, tmp_path: Path) -> None:
    (tmp_path / "cameras.csv").write_text("id,azimuth_deg\nc1,90\n")
    done = quick("ingest", "--cameras", tmp_path / "cameras.csv", "--store", tmp_path / "store")
    assert "azimuth_deg -> orientation (degrees clockwise from +y)" in done.out
