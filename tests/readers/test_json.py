"""JSON lines, arrays and documents: keys are columns, lists of numbers are vectors."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInputError
from workbench.readers import Batch, LoadOptions, detect, read_appearances

TIME = "2026-01-01T00:00:00Z"
A = {"timestamp": TIME, "cam": "c1", "pid": 7, "bag": True, "look": {"top": "red", "n": [1, 2]}}
B = {"timestamp": TIME, "cam": "c2", "pid": None, "score": 0.5}


def lines(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def test_keys_are_columns(load: Callable[..., Batch]) -> None:
    rows = load(lines(A, B), "a.jsonl").rows
    assert rows["camera_id"].tolist() == ["c1", "c2"]
    assert rows["identity_id"].tolist()[0] == "7" and rows["identity_id"].isna()[1]
    kept = json.loads(rows["properties"][0])
    assert kept == {"bag": "true", "look": '{"n":[1,2],"top":"red"}'}
    assert json.loads(rows["properties"][1]) == {"score": "0.5"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl.gz", lines(A, B)),
        ("a.ndjson", lines(A) + "\n\n" + lines(B)),
        ("a.json", json.dumps([A, B])),
        ("b.json", json.dumps([A, B], indent=2)),
        ("c.json", json.dumps({"rows": [A, B]}, indent=1)),
        ("bom.jsonl", "\ufeff" + lines(A, B)),
    ],
)
def test_however_they_are_written_they_are_the_same(load, name, content):
    plain = load(lines(A, B), "plain.jsonl").rows
    found = load(content, name).rows
    assert found["id"].tolist() == plain["id"].tolist()
    assert found["properties"].tolist() == plain["properties"].tolist()


def test_one_object_is_one_row(load):
    assert len(load(json.dumps(A, indent=1), "a.json").rows) == 1
    assert len(load(json.dumps(A), "a.json").rows) == 1


def vectors(rows: list[Any], key: str = "embedding") -> str:
    return lines(*({**A, "n": n, key: vector} for n, vector in enumerate(rows)))


def read(write: Callable[..., Path], content: str, **options: object) -> list[Batch]:
    return list(read_appearances(write(content, "v.jsonl"), LoadOptions(**options)))


def test_vectors_go_to_their_space(write):
    content = vectors([[1, 2.5], None, [0, 0], [float("nan"), 1]])
    (batch,) = read(write, content)
    matrix, has = batch.vectors["reid"]
    assert matrix.dtype == np.float32 and matrix[0].tolist() == [1, 2.5]
    assert has.tolist() == [True, False, False, False]
    assert set(read(write, content, space="body")[0].vectors) == {"body"}
    assert set(read(write, vectors([[1.0]], "face"), space="body")[0].vectors) == {"face"}


def test_a_vector_is_no_part_of_the_id(write):
    one, other = (read(write, vectors([v]))[0].rows["id"][0] for v in ([1, 2], [3, 4]))
    assert one == other


@pytest.mark.parametrize(
    "vector", [[1.0], [1, 2, 3], ["a", "b"], [[1, 2]], [True, False], [1e39, 0], [10**400, 1], []]
)
def test_a_wrong_vector_is_a_bad_row(write, vector):
    (batch,) = read(write, vectors([[1, 2], vector, [3, 4]]))
    assert len(batch.rows) == 2 and batch.rejects["line"].tolist() == [2]
    assert batch.rejects["column"].tolist() == ["embedding"]
    assert batch.vectors["reid"][0].tolist() == [[1, 2], [3, 4]]


def test_vectors_stay_beside_their_rows(write):
    content = vectors([[n, 1] for n in range(6)])
    broken = content.replace('"n": 2', '"n": "x\\u0000"').replace('"n": 4', '"n": 44')
    (batch,) = read(write, broken, where="n != 44")
    assert batch.position.tolist() == [0, 1, 3, 5]
    assert batch.vectors["reid"][0][:, 0].tolist() == [0, 1, 3, 5]
    assert (batch.read, batch.filtered, len(batch.rejects)) == (6, 1, 1)


def test_two_keys_for_one_space_are_a_question(write):
    content = lines({**A, "embedding": [1, 2], "reid": [1, 2]})
    with pytest.raises(InvalidInputError, match="under two keys") as error:
        read(write, content)
    assert "--space" in str(error.value.next)
    assert set(read(write, content, space="other")[0].vectors) == {"other", "reid"}


BAD = [
    "{",
    "nonsense",
    "[1, 2]",
    '"text"',
    '{"a": 1, "a": 2}',
    '{"n": ' + "[" * 100_000 + "}",
    '{"n": ' + "1" * 5_000 + "}",
    '{"n": "\\ud800"}',
    '{"n": "a\\u0000"}',
    '{"": 1}',
    '{"a\\nb": 1}',
    '{"x": {"y": Infinity}}',
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_a_bad_line_is_lost_alone(load, bad):
    batch = load(lines(A) + bad + "\n" + lines(B), "a.jsonl")
    assert len(batch.rows) == 2 and batch.position.tolist() == [0, 2]
    assert batch.rejects["line"].tolist() == [2] and batch.rejects["reason"].iloc[0]


def test_bytes_that_are_no_text_are_lost_alone(load):
    content = lines(A).encode() + b'{"n": "\xff"}\n' + lines(B).encode()
    batch = load(content, "a.jsonl")
    assert len(batch.rows) == 2 and batch.rejects["line"].tolist() == [2]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([A, B])[:-1],
        json.dumps([A, B])[:-30],
        "[",
        '[{"a" 1}]',
        "[" * 5_000,
        json.dumps({"rows": [A, B]}, indent=1)[:-9],
    ],
)
def test_a_torn_array_is_refused_whole(write, content):
    with pytest.raises(InvalidInputError):
        read_appearances(write(content, "a.json"), LoadOptions())


@pytest.mark.parametrize("content", ["[]", "{}\n{}\n", "[1, 2, 3]", "not json\n", ""])
def test_what_holds_no_rows_is_refused(write, content):
    with pytest.raises(InvalidInputError) as error:
        read_appearances(write(content, "a.json"), LoadOptions(format="jsonl"))
    assert error.value.next


def test_too_many_keys_are_refused(write):
    content = lines(*({f"k{n}": 1} for n in range(600)))
    with pytest.raises(InvalidInputError, match="more than 500"):
        read_appearances(write(content, "a.jsonl"), LoadOptions())


def test_lines_of_array_elements_are_counted(load):
    text = json.dumps([A, {"timestamp": "x", "cam": "c"}, B], indent=1)
    batch = load(text, "a.json")
    wanted = 1 + text[: text.index('"x"')].count("\n")
    assert wanted - 2 <= batch.rejects["line"][0] <= wanted


def test_an_array_is_read_piece_by_piece(write):
    each = {**A, "look": {"top": "x" * 500}}
    content = "[" + ",".join(json.dumps({**each, "n": n}) for n in range(20_000)) + "]"
    path = write(content, "a.json")
    reader = read_appearances(path, LoadOptions(), batch_rows=500)
    tracemalloc.start()
    rows = sum(len(batch.rows) for batch in reader)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 20_000 and most < len(content) * 0.8


def test_batches_of_long_vectors_are_small(write, monkeypatch):
    monkeypatch.setattr("workbench.readers.json_lines._NUMBERS_AT_ONCE", 8)
    batches = read(write, vectors([[n, 1] for n in range(10)]))
    assert [batch.read for batch in batches] == [4, 4, 2]
    assert [p for batch in batches for p in batch.position] == list(range(10))


def test_detect_guesses_as_for_csv(write):
    rows = [{"when": TIME, "place": "hall", "who": "ada"}, {"when": TIME, "place": "x", "who": "b"}]
    found = detect(write(lines(*rows), "a.jsonl"))
    assert found.format == "jsonl" and "--columns timestamp=when" in found.next
    found = detect(write(vectors([[1, 2], [3, 4]]), "v.jsonl"))
    assert "2 numbers into reid" in found.reason
