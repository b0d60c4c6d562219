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
    assert (found.format, arguments(found)) == (format, [option, str(path)])
    assert found.format in {rule.format for rule in RULES}


def test_naive_times_of_an_outage_need_a_zone(write):
    found = detect(write("camera_id,start,end\nc,2026-01-01 00:00,2026-01-02 00:00\n"))
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
        "2026-01-02T00:00:02+00:00",
        "2026-01-03T00:00:02.040000+00:00",
    ]
    assert batch.rows["identity_id"].tolist() == ["0002", "1"]
    assert "frames restart in each sequence" in found.reason
