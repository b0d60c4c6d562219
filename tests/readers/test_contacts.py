"""Contact lists: two appearances a row, at a place of their own."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions, read_appearances

START = "2026-01-01T00:00:00Z"


def test_a_row_is_two_appearances_at_one_place(load):
    batch = load("t,i,j,w\n20,7,8,x\n40,7,9,\n", start_time=START, dataset="D")
    rows = batch.rows
    assert rows["identity_id"].tolist() == ["D:7", "D:8", "D:7", "D:9"]
    assert [time.isoformat() for time in rows["timestamp"]] == (
        ["2026-01-01T00:00:20+00:00"] * 2 + ["2026-01-01T00:00:40+00:00"] * 2
    )
    assert rows["id"].nunique() == 4
    assert rows["place_id"].nunique() == 2 and rows["place_id"][0] == rows["place_id"][1]
    assert not set(rows["place_id"]) & set(rows["id"])
    assert rows["camera_id"].isna().all()
    assert rows["properties"].fillna("").tolist() == ['{"w":"x"}', '{"w":"x"}', "", ""]
    assert rows["source_row"].tolist() == [1, 1, 2, 2]
    assert batch.position.tolist() == [0, 0, 1, 1] and batch.line.tolist() == [2, 2, 3, 3]
    assert batch.read == 2


def test_without_a_start_t_counts_from_1970_in_seconds(load):
    batch = load("t,i,j\n1767225600,1,2\n")
    assert batch.rows["timestamp"][0].isoformat() == "2026-01-01T00:00:00+00:00"


def test_bad_rows_lose_both_of_their_appearances(load):
    batch = load("t,i,j\n20,7,7\nx,7,8\n40,,8\n60,1,2\n", format="contacts")
    assert batch.rows["identity_id"].tolist() == ["1", "2"]
    assert batch.rejects["reason"].tolist() == ["a contact with oneself", "not a number", "missing"]
    assert batch.rejects["column"].tolist() == ["j", "t", "i"]


def test_columns_where_and_unidentified(load):
    content = "when,a,b,day\n20,7,8,1\n40,7,9,2\n"
    columns = {"t": "when", "i": "a", "j": "b"}
    batch = load(content, format="contacts", columns=columns, where="day > 1", unidentified=("9",))
    assert batch.rows["identity_id"].fillna("none").tolist() == ["7", "none"]
    assert batch.filtered == 1


def test_auto_takes_t_i_j_for_contacts_unless_columns_say_otherwise(write):
    path = write("t,i,j\n20,7,8\n")
    assert read_appearances(path).format == "contacts"
    other = LoadOptions(columns={"timestamp": "t", "identity_id": "i"}, camera="c", time_unit="s")
    assert read_appearances(path, other).format == "csv"


@pytest.mark.parametrize(
    "option", [{"camera": "c"}, {"fps": 25}, {"box": "xyxy"}, {"identity_from": "track"}]
)
def test_options_without_use_are_refused(write, option):
    with pytest.raises(InvalidInputError, match="has no use for a contact list"):
        read_appearances(write("t,i,j\n20,7,8\n"), LoadOptions(format="contacts", **option))


def test_missing_columns_are_named(write):
    with pytest.raises(InvalidInputError, match="has no i, j"):
        read_appearances(write("t,x\n20,7\n"), LoadOptions(format="contacts"))


def test_iso_times_are_no_contact_times(write):
    reader = read_appearances(write("t,i,j\n2026-01-01T00:00:00Z,1,2\n"))
    with pytest.raises(InvalidInputError, match="is no number"):
        list(reader)
