"""What a file is, and that the command named for it really loads it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InvalidInputError, NotFoundError
from workbench.readers import Batch, Detection, LoadOptions, detect, read_appearances
from workbench.readers.detect import RULES

START = ["--start-time", "2026-01-01T00:00:00Z"]


def arguments(found: Detection) -> list[str]:
    words = shlex.split(found.next)
    assert words[:2] == ["workbench", "ingest"]
    return words[2:]


def loaded(words: list[str], folder: Path = Path()) -> list[Batch]:
    """Read a file as the command line would."""
    names = [word[2:].replace("-", "_") for word in words[1::2]]
    options = dict(zip(names, words[2::2], strict=True))
    return list(read_appearances(folder / words[0], LoadOptions(**options)))


TIMES = "2026-01-01T00:00Z"


@pytest.mark.parametrize(
    ("content", "format", "options"),
    [
        (f"timestamp,camera_id,identity_id\n{TIMES},c,1\n", "csv", []),
        ("time,cam\n2026-01-01 00:00,c\n", "csv", ["--tz", "UTC"]),
        (f"datetime,pid\n{TIMES},1\n", "csv", ["--camera", "cam1"]),
        ("time,cam\n1767225600,c\n", "csv", ["--time-unit", "s"]),
        ("time,cam\n1767225600123,c\n", "csv", ["--time-unit", "ms"]),
        ("time,cam\n1767225600123456,c\n", "csv", ["--time-unit", "us"]),
        ("time,cam\n12.5,c\n", "csv", ["--time-unit", "s", *START]),
        ("frame,cam\n12,c\n", "csv", ["--fps", "25", *START]),
        ("frame_id,cam,t_seconds\n0,c,0\n12,c,0.2\n", "csv", ["--fps", "60", *START]),
        ("frame,cam,t_seconds\n0,c,0\n12,c,0.2\n50,c,7\n", "csv", ["--fps", "25", *START]),
        (f"time,cam,track_id\n{TIMES},c,7\n", "csv", ["--identity-from", "track"]),
        ("t,i,j\n20,1,2\n", "contacts", ["--format", "contacts", *START]),
        ("t,i,j\n1767225600,1,2\n", "contacts", ["--format", "contacts"]),
    ],
)
def test_the_command_loads_the_file(write, content, format, options):
    path = write(content)
    found = detect(path)
    assert (found.format, arguments(found)) == (format, [str(path), *options])
    assert found.columns == content.split("\n")[0].split(",")
    assert found.rows_sampled == content.count("\n") - 1
    (batch,) = loaded(arguments(found))
    assert len(batch.rejects) == 0 and len(batch.rows)


@pytest.mark.parametrize(
    ("content", "format", "option"),
    [
        ("camera_id,x_m,y_m,z_m,azimuth_deg\nc,1,2,3,4\n", "cameras", "--cameras"),
        ("id,name,position_x,fov\nc,C,1,60\n", "cameras", "--cameras"),
        ("from_camera,to_camera,distance_m\na,b,1\n", "adjacency", "--adjacency"),
        ("camera_a,camera_b\na,b\n", "adjacency", "--adjacency"),
        (f"camera_id,start,end\nc,{TIMES},{TIMES}\n", "outages", "--outages"),
        ("person_id,group\n1,x\n", "identities", "--identities"),
        ("file,camera_id,start_time,fps\na,c,,25\n", "sources", "--sources"),
        ("file,fps\na,25\n", "sources", "--sources"),
    ],
)
def test_tables_are_told_apart(write, content, format, option):
    path = write(content)
    found = detect(path)
    # What is known of videos is of no use without them.
    beside = ["APPEARANCES.csv"] if format == "sources" else []
    assert (found.format, arguments(found)) == (format, [*beside, option, str(path)])
    assert found.format in {rule.format for rule in RULES}


def test_naive_times_of_an_outage_need_a_zone(write):
    for start in ("2026-01-01 00:00", "2026-01-01T00:00Z"):
        found = detect(write(f"camera_id,start,end\nc,{start},2026-01-02 00:00\n"))
        assert arguments(found)[2:] == ["--tz", "UTC"] and "no zone" in found.reason


def test_other_files(write, tmp_path):
    np.save(tmp_path / "face.npy", np.ones((3, 512), dtype="float32"))
    np.save(tmp_path / "own.npy", np.ones((3, 7), dtype="float32"))
    assert "--face" in detect(tmp_path / "face.npy").next
    found = detect(tmp_path / "own.npy")
    assert found.format == "embeddings" and "3 vectors of 7 numbers" in found.reason
    frame = pd.DataFrame({"camera_id": ["c"], "timestamp": pd.to_datetime(["2026-01-01T00:00Z"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert detect(tmp_path / "a.parquet").format == "parquet"
    plan = write("{level: 0, image: p.png, metres_per_pixel: 1, origin_px: [0, 0]}", "plan.yaml")
    assert (detect(plan).format, arguments(detect(plan))) == (
        "floor-plan",
        ["--floor-plan", str(plan)],
    )


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("a,b\n1,2\n", "x.csv"),
        ("a: 1", "x.yaml"),
        ("[", "x.yml"),
        ("", "x.csv"),
        ("1,2\n3,4\n", "x.txt"),
        (b"\x89PNG", "x.png"),
        (b"PK\x03\x04", "x.npz"),
        (b"\x93NUMPY", "x.npy"),
        (b"\xff\xd8\xff", "x.csv"),
    ],
)
def test_what_is_nothing_known_is_unknown(write, content, name):
    found = detect(write(content, name))
    assert (found.format, found.confidence) == ("unknown", 0.0)
    assert found.reason and found.next


@pytest.mark.parametrize("content", ["# A page\n\nSome prose.\n", "Apache License\n", "a,b\n"])
def test_what_is_no_table_gets_no_command_that_loads_it(write, content):
    found = detect(write(content, "README.md"))
    assert found.format == "unknown"
    assert found.reason.startswith("none of the known formats: ")
    assert found.next == "workbench ingest --help"
    assert found.next != detect(write("a,b\n1,2\n", "x.csv")).next  # a column may be the time


def test_a_question_is_passed_on(write):
    found = detect(write(f"time,datetime,cam\n{TIMES},{TIMES},c\n"))
    assert found.format == "csv" and "Which column is timestamp" in found.reason
    assert "--columns timestamp=time" in found.next
    typed = shlex.split(found.next, comments=True)  # the question stands behind a #
    assert len(typed) == 3 and typed[:2] == ["workbench", "ingest"]


def test_hostile_names_stay_one_word(tmp_path):
    path = tmp_path / "a b'; $(touch pwned) \".csv"
    path.write_text("sequence,frame,cam\n1,5,c\n2,6,c\n")
    preparation = detect(path).next.split(" && workbench")[0]
    run(preparation, tmp_path)
    assert not (tmp_path / "pwned").exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_missing_files(tmp_path):
    with pytest.raises(NotFoundError):
        detect(tmp_path / "none.csv")
    with pytest.raises(InvalidInputError):
        detect(tmp_path)


def run(preparation: str, folder: Path) -> None:
    words = shlex.split(preparation)
    assert words[:2] == ["python3", "-c"]
    subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True, shell=False)


def test_sequences_get_days_of_their_own(write, tmp_path):
    path = write("sequence,frame,cam,pid\n1,50,c,0002\n2,51,c,1\n")
    found = detect(path)
    preparation, command = found.next.split(" && ")
    run(preparation, tmp_path)
    (batch,) = loaded(shlex.split(command)[2:], tmp_path)
    assert [time.isoformat() for time in batch.rows["timestamp"]] == [
        "2026-01-01T00:00:02+00:00",
        "2026-01-02T00:00:02.040000+00:00",
    ]
    assert batch.rows["identity_id"].tolist() == ["0002", "1"]
    assert "frames restart in each sequence" in found.reason


def typed(found: Detection, folder: Path) -> Batch:
    """Run what stands before the command, then read the file as the command says."""
    line = found.next
    if " && " in line:
        preparation, line = line.split(" && ")
        run(preparation, folder)
    name, *words = shlex.split(line)[2:]
    pairs = list(zip(words[::2], words[1::2], strict=True))
    options = {key[2:].replace("-", "_"): value for key, value in pairs if key != "--columns"}
    named = dict(value.split("=") for key, value in pairs if key == "--columns")
    (batch,) = read_appearances(folder / name, LoadOptions(columns=named, **options))
    assert len(batch.rejects) == 0 and len(batch.rows)
    return batch


def seen(header: str, *rows: str) -> str:
    """Return a file whose rows have a time and a camera, and what is given."""
    lines = [f"2026-01-01T00:00:{n:02d}Z,c,{row}" for n, row in enumerate(rows)]
    return "\n".join([f"time,cam,{header}", *lines]) + "\n"


@pytest.mark.parametrize(
    ("header", "rows", "taken"),
    [
        *[(name, ["Ana"], name) for name in ("person", "subject", "who", "pid_name", "Badge No")],
        ("label", ["7", "8", "7"], "label"),
        ("name", ["Ana", "Ben", "Ana"], "name"),
        ("zeppelin,person", ["a,x", "b,y", "a,x"], "person"),
        ("person_name,subject_id", ["Ana,1"], "subject_id"),
        ("zeppelin", ["n1", "n2", "n1"], "zeppelin"),
        ("hue,zeppelin", ["1,n1", "2,n2", "1,n1"], "zeppelin"),
        ("zeppelin", ["4711", "4712", "4711"], "zeppelin"),
        ("track_id,person_name", ["1,Ana"], "person_name"),
    ],
)
def test_a_column_of_identities_is_named(write, tmp_path, header, rows, taken):
    found = detect(write(seen(header, *rows)))
    assert f"identity_id={taken}" in shlex.split(found.next)
    assert f"{taken} is taken for identity: remove it if it is not" in found.reason
    at = header.split(",").index(taken)
    batch = typed(found, tmp_path)
    assert batch.rows["identity_id"].tolist() == [row.split(",")[at] for row in rows]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("name", ["gate", "gate", "gate"]),
        ("note", ["a", "b", "c"]),
        ("occluded", ["0", "1", "0"]),
        ("person_score", ["1", "2", "1"]),
        ("person", ["0.93", "0.97", "0.93"]),
        ("who_at", ["2026-01-01T00:00Z", "2026-01-02T00:00Z", "2026-01-01T00:00Z"]),
        ("gender,split,w", ["m,test,3", "f,train,4", "m,test,3"]),
        ("who", ["", ""]),
    ],
)
def test_what_is_no_identity_is_not_taken_for_one(write, header, rows):
    found = detect(write(seen(header, *rows)))
    assert "--columns" not in found.next
    assert "no column looks like an identity" in found.reason
    assert "--columns identity_id=COLUMN" in found.reason
    assert found.columns_as_properties == header.split(",")


def test_an_identity_that_is_known_is_left_alone(write):
    found = detect(write(seen("pid,person", "1,a", "2,b", "1,a")))
    assert "--columns" not in found.next and found.columns_as_properties == ["person"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [("cam_no", "3"), ("device", "x"), ("CameraName", "Gate 2"), ("where", "hall")],
)
def test_a_column_of_cameras_is_named(write, tmp_path, name, cell):
    found = detect(write(f"time,pid,{name}\n{TIMES},1,{cell}\n"))
    assert f"{name} is taken for camera" in found.reason
    assert typed(found, tmp_path).rows["camera_id"].tolist() == [cell]


@pytest.mark.parametrize(
    ("name", "cell"), [("camera_height", "3"), ("device_type", "tof"), ("room", "2.5")]
)
def test_what_is_no_camera_is_not_taken_for_one(write, name, cell):
    found = detect(write(f"time,pid,{name}\n{TIMES},1,{cell}\n"))
    assert arguments(found)[1:] == ["--camera", "cam1"]


@pytest.mark.parametrize(
    ("header", "cell", "option"),
    [
        ("when", "2026-01-01 08:00", "--tz"),
        ("seen_at", "2026-01-01T08:00:00.5+01:00", None),
        ("moment", "2026-01-01T08:00:00", "--tz"),
        ("ts", "1767225600", "--time-unit"),
        ("date", "2026/01/01 08:00", "--tz"),
    ],
)
def test_a_column_of_times_is_named(write, tmp_path, header, cell, option):
    found = detect(write(f"{header},cam,who\n{cell},c,Ana\n"))
    assert f"{header} is taken for the time" in found.reason
    assert {word for word in shlex.split(found.next) if word in ("--tz", "--time-unit")} == (
        {option} - {None}
    )
    assert typed(found, tmp_path).rows["identity_id"].tolist() == ["Ana"]


def test_people_who_come_again_at_times_are_no_table_of_identities(write, tmp_path):
    text = "person_id,when,where\n7,2026-01-01 01:00,east\n7,2026-01-01 01:01,west\n"
    found = detect(write(text))
    assert found.format == "csv"
    assert typed(found, tmp_path).rows["identity_id"].tolist() == ["7", "7"]
    assert detect(write("person_id,born\n7,2001-01-01 00:00\n8,2002-01-01 00:00\n")).format == (
        "identities"
    )


@pytest.mark.parametrize(
    ("cell", "utc", "zone"),
    [
        ("2026-01-31T08:00:00", "2026-01-31T08:00:00", True),
        ("2026-01-31 08:00:00.250", "2026-01-31T08:00:00.250000", True),
        ("2026/01/31 08:00:00", "2026-01-31T08:00:00", True),
        ("31/01/2026 8:00", "2026-01-31T08:00:00", True),
        ("31.01.2026 08:00", "2026-01-31T08:00:00", True),
        ("1/31/2026 8:00 PM", "2026-01-31T20:00:00", True),
        ("2026-01-31", "2026-01-31T00:00:00", True),
        ("2026-01-31T08:00:00.1234567", "2026-01-31T08:00:00.123456", True),
        ("2026-01-31T08:00:00.1234567+01:00", "2026-01-31T07:00:00.123456", False),
    ],
)
@pytest.mark.parametrize("part", [",", ";"])
def test_every_form_of_a_time_gets_what_it_needs(write, tmp_path, cell, utc, zone, part):
    found = detect(write(part.join(["time", "cam", "pid"]) + "\n" + part.join([cell, "c", "1"])))
    assert ("--tz UTC" in found.next) == zone and ("no zone" in found.reason) == zone
    (time,) = typed(found, tmp_path).rows["timestamp"]
    assert time == pd.Timestamp(utc, tz="UTC")


@pytest.mark.parametrize("day", [False, True])
def test_times_of_parquet_without_a_zone(tmp_path, day):
    times = pd.to_datetime(pd.Series(["2026-01-01T08:00", "2026-01-02T08:00"]))
    times = times.dt.date if day else times
    pd.DataFrame({"timestamp": times, "camera_id": "c", "identity_id": "1"}).to_parquet(
        tmp_path / "a.parquet"
    )
    found = detect(tmp_path / "a.parquet")
    assert "--tz UTC" in found.next
    assert len(typed(found, tmp_path).rows) == 2


def test_an_empty_time_hides_no_number(write):
    found = detect(write("time,cam,pid\n1767225600,c,1\n,c,1\n"))
    assert arguments(found)[1:] == ["--time-unit", "s"]


def test_a_clock_without_a_date_asks_for_the_column(write):
    found = detect(write("time,cam,pid\n08:00:01,c,1\n08:00:02,c,1\n"))
    assert "no date" in found.reason and "timestamp=COLUMN" in found.next


def test_a_question_keeps_the_zone(write):
    found = detect(write("time,datetime,cam\n2026-01-01 00:00,2026-01-01 00:00,c\n"))
    assert shlex.split(found.next, comments=True)[3:] == ["--tz", "UTC"]


def test_contacts_with_written_times(write, tmp_path):
    found = detect(write("t,i,j\n2026-01-01 08:00:20,1,2\n"))
    batch = typed(found, tmp_path)
    assert set(batch.rows["timestamp"]) == {pd.Timestamp("2026-01-01T08:00:20Z")}
    assert "UTC" in found.reason


@pytest.mark.parametrize(
    ("more", "word"),
    [("", "identity_id=id"), (",person", "tracking_id=id"), (",pid", "tracking_id=id")],
)
def test_an_id_that_repeats_is_named(write, tmp_path, more, word):
    rows = [f"{n % 2},2026-01-01T00:00:0{n}Z,c{',p' if more else ''}" for n in range(8)]
    found = detect(write("\n".join([f"id,time,cam{more}", *rows])))
    assert word in shlex.split(found.next) and "it repeats" in found.reason
    assert len(typed(found, tmp_path).rows) == 8


@pytest.mark.parametrize(
    ("content", "kept", "ignored"),
    [
        (seen("pid,x1,gate", "1,2,3"), ["x1", "gate"], []),
        ("t,i,j,room\n20,1,2,b\n", ["room"], []),
        ("camera_id,x_m,maker\nc,1,z\n", ["maker"], []),
        ("person_id,name,group\n1,a,x\n", ["group"], []),
        ("from_camera,to_camera,note\na,b,z\n", [], ["note"]),
        (f"camera_id,start,end,note\nc,{TIMES},{TIMES},z\n", [], ["note"]),
        ("file,fps,note\na,25,z\n", [], ["note"]),
    ],
)
def test_columns_of_no_use_are_named(write, content, kept, ignored):
    found = detect(write(content))
    assert (found.columns_as_properties, found.columns_ignored) == (kept, ignored)


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        (["31/01/2026 8:00", "3/2/2026 8:00"], ["2026-01-31", "2026-02-03"]),
        (["01/31/2026 8:00", "3/2/2026 8:00"], ["2026-01-31", "2026-03-02"]),
        (["3.2.2026 8:00", "4.2.2026 8:00"], ["2026-02-03", "2026-02-04"]),
        (["2026/02/03 8:00", "2026/02/04 8:00"], ["2026-02-03", "2026-02-04"]),
    ],
)
def test_one_date_tells_which_number_is_the_day_of_all(write, tmp_path, cells, days):
    rows = "".join(f"{cell},c,1\n" for cell in cells)
    found = detect(write(f"time,cam,pid\n{rows}"))
    times = typed(found, tmp_path).rows["timestamp"]
    assert [f"{time:%Y-%m-%d}" for time in times] == days
