"""Names of images: whose, by which camera, when, and where the picture is."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions, detect, read_appearances

CLOCK = {"start_time": "2026-01-01T00:00:00Z", "fps": 25}
MARKET = "0002_c1s1_000451_03.jpg\n-1_c3s2_000025_01.jpg\n0000_c6s3_000050_00.jpg\n"
MARS = "0001C1T0001F001.jpg\n00-1C2T0007F025.jpg\n"
VERI = "0002_c002_00030600_0.jpg\n0776_c020_00000025_12.jpg\n"


def test_market(load):
    rows = load(MARKET, "names.txt", **CLOCK).rows
    assert rows["identity_id"].tolist() == ["0002", "-1", "0000"]
    assert rows["camera_id"].tolist() == ["1", "3", "6"]
    assert rows["frame"].tolist() == [451, 25, 50]
    # Frames restart in each sequence: each later one is a day after the one before.
    assert [t.isoformat() for t in rows["timestamp"]] == [
        "2026-01-01T00:00:18.040000+00:00",
        "2026-01-02T00:00:01+00:00",
        "2026-01-03T00:00:02+00:00",
    ]
    assert rows["frame_path"].tolist() == MARKET.split()


def test_who_is_nobody_is_said_by_the_user(load):
    rows = load(MARKET, "names.txt", unidentified=("-1", "0000"), **CLOCK).rows
    assert rows["identity_id"].isna().tolist() == [False, True, True]


def test_mars(load):
    rows = load(MARS, "names.txt", **CLOCK).rows
    assert rows["identity_id"].tolist() == ["0001", "00-1"]
    assert rows["tracking_id"].tolist() == ["0001", "0007"]
    assert rows["camera_id"].tolist() == ["1", "2"] and rows["frame"].tolist() == [1, 25]


def test_veri(load):
    rows = load(VERI, "names.txt", **CLOCK).rows
    assert rows["identity_id"].tolist() == ["0002", "0776"]
    assert rows["camera_id"].tolist() == ["2", "20"]
    assert rows["timestamp"][0].isoformat() == "2026-01-01T00:20:24+00:00"


def test_names_of_another_form_are_bad_rows(load):
    batch = load(MARKET + "\ncat.jpg\n0002_c1s1_000451_03.txt\n", "names.txt", **CLOCK)
    assert batch.rejects["line"].tolist() == [5, 6]
    assert set(batch.rejects["reason"]) == {"not named as in Market-1501"}
    assert batch.read == 5 and len(batch.rows) == 3


def test_a_sequence_beyond_the_calendar(load):
    batch = load("0002_c1s9_000451_03.jpg\n", "n.txt", fps=25, start_time="8999-12-28T00:00Z")
    assert len(batch.rows) == 0 and "8999" in batch.rejects["reason"][0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of images in two folders, with a file that is none."""
    for name in ("train/0001/0001C1T0001F001.jpg", "train/0002/0002C2T0001F002.jpg", "train/x.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_a_folder_is_its_own_frames_root(folder):
    reader = read_appearances(folder / "train", LoadOptions(**CLOCK))
    (batch,) = reader
    assert batch.rows["frame_path"].tolist() == [
        "0001/0001C1T0001F001.jpg",
        "0002/0002C2T0001F002.jpg",
    ]
    assert reader.options.frames_root == str((folder / "train").resolve())
    assert len(batch.rejects) == 0, "a file that is no image is no row"


def test_a_folder_below_the_frames_root(folder):
    reader = read_appearances(folder / "train", LoadOptions(frames_root=folder, **CLOCK))
    (batch,) = reader
    assert batch.rows["frame_path"][0] == "train/0001/0001C1T0001F001.jpg"
    assert reader.meaning()["frames_below"] == "train"
    alone = next(iter(read_appearances(folder / "train", LoadOptions(**CLOCK))))
    assert not set(batch.rows["id"]) & set(alone.rows["id"]), "one name in two folders: two images"


def test_a_folder_beside_the_frames_root_is_refused(folder):
    (folder / "other").mkdir()
    with pytest.raises(InvalidInputError, match="not below the frames root"):
        read_appearances(folder / "train", LoadOptions(frames_root=folder / "other", **CLOCK))


def test_an_image_that_is_a_link_out_is_a_bad_row(folder):
    (folder / "secret.jpg").write_bytes(b"")
    os.symlink(folder / "secret.jpg", folder / "train" / "0003C1T0001F001.jpg")
    (batch,) = read_appearances(folder / "train", LoadOptions(**CLOCK))
    assert len(batch.rows) == 2
    assert batch.rejects["reason"].tolist() == ["leads out of the frames root by a link"]


def test_a_folder_of_other_things_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="no images"):
        read_appearances(tmp_path, LoadOptions(**CLOCK))
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(InvalidInputError, match="known form"):
        detect(tmp_path)


def test_detect_names_the_set_and_who_is_nobody(write):
    found = detect(write(MARKET, "names.txt"))
    assert found.format == "reid" and "Market-1501" in found.reason
    assert found.next.endswith("--unidentified -1 --unidentified 0000")
    assert "--unidentified" not in detect(write(VERI, "names.txt")).next
    assert detect(write("image\n" + VERI, "names.csv")).format != "reid", "that has a header"


def names_of(path: Path) -> tuple[str, list[dict[str, str]]]:
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    return "".join(f"{row['image']}\n" for row in rows), rows


@pytest.mark.parametrize(
    ("name", "rows", "people"), [("market1501", 12_936, 751), ("veri776_test", 11_579, 200)]
)
def test_real_names_say_what_their_tables_say(shared_data, load, name, rows, people):
    listed, table = names_of(shared_data / name / "appearances.csv.gz")
    batch = load(listed, "names.txt", **CLOCK)
    found = batch.rows
    assert len(found) == batch.read == rows and len(batch.rejects) == 0
    assert found["identity_id"].nunique() == people and found["id"].is_unique
    for ours in ("identity_id", "camera_id"):
        assert found[ours].tolist() == [row[ours] for row in table]
    assert found["frame"].tolist() == [int(row["frame"]) for row in table]
    if name == "market1501":
        assert found["timestamp"].dt.date.nunique() == 6
