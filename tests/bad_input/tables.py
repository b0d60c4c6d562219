"""Bad appearance files: broken bytes, broken rows, bad cells, bad Parquet."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bad_input.case import Case

HEADER = "id,timestamp,camera_id,identity_id,tracking_id,bbox_x,bbox_y,bbox_w,bbox_h,note"
GOOD = {
    "id": "new1",
    "timestamp": "2026-01-12T10:00:00Z",
    "camera_id": "entrance",
    "identity_id": "p1",
    "tracking_id": "0001",
    "bbox_x": "1",
    "bbox_y": "2",
    "bbox_w": "3",
    "bbox_h": "4",
    "note": "x",
}
BAD_CELLS: list[tuple[str, str]] = [
    *(
        ("timestamp", text)
        for text in (
            "",
            "now",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-12T25:00:00Z",
            "2026-01-12T10:61:00Z",
            "2026-01-12T10:00:00.1234567Z",
            "0000-01-01T00:00:00Z",
            "99999-01-01T00:00:00Z",
            "-2026-01-12T10:00:00Z",
            "1e400",
            "1768212000",
            "NaN",
            "NaT",
            "2026-01-12",
            "12/01/2026 10:00",
            "2026-01-12T10:00:00+99:00",
            "２０２６-01-12T10:00:00Z",
            "2026-01-12T10:00:00Z; DROP TABLE appearance",
            "2026-01-12T10:00:00 Europe/Madrid",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-1-2T3:4:5Z",
            "P1D",
        )
    ),
    *(
        (name, text)
        for name in ("id", "camera_id", "identity_id", "tracking_id")
        for text in (
            "x" * 201,
            "a\x01b",
            "a\x7fb",
            "a\u2028b",
            "a\x85b",
            "a\tb",
            "\x1b[31mred",
        )
    ),
    ("camera_id", ""),
    *(
        (name, text)
        for name in ("bbox_x", "bbox_w")
        for text in (
            "nan",
            "inf",
            "-inf",
            "1e999",
            "0x10",
            "1,5",
            "--",
            "１２",
            "1_000",
            "1e",
            "true",
            "ten",
            "1.2.3",
            "9" * 400,
            "∞",
        )
    ),
    ("bbox_w", "-1"),
    ("bbox_h", "-0.0001"),
    ("note", "x" * 200_000),
    ("note", "a\x00b"),
]


def row(**cells: str) -> str:
    """Return one CSV row: the good one with some cells changed."""
    values = GOOD | cells
    return ",".join('"' + values[name].replace('"', '""') + '"' for name in HEADER.split(","))


def csv(*rows: str, header: str = HEADER) -> bytes:
    """Return a CSV file."""
    return ("\n".join([header, *rows]) + "\n").encode("utf-8", "surrogatepass")


GOOD_FILE = csv(*(row(id=f"new{n}") for n in range(40)))


def ingest(
    kind: str, name: str, content: bytes, *more: str, file: str = "a.csv", **case: Any
) -> Case:
    """Return the case of loading one appearance file."""
    words = ["ingest", f"{{folder}}/{file}", *more]
    return Case(kind, name, words, {file: content}, **case)


def csv_bytes(random: Random) -> Iterator[Case]:
    """Yield files that are broken before any row is looked at."""
    kind = "csv bytes"
    packed = gzip.compress(GOOD_FILE, mtime=0)
    for n in range(10):
        cut = random.randrange(1, len(packed) - 1)
        yield ingest(kind, f"torn gzip {n}", packed[:cut], file="a.csv.gz")
    for n in range(8):
        torn = bytearray(packed)
        torn[random.randrange(12, len(packed))] ^= 1 << random.randrange(8)
        yield ingest(kind, f"flipped gzip {n}", bytes(torn), file="a.csv.gz")
    for n in range(12):
        yield ingest(kind, f"rubbish {n}", random.randbytes(random.choice((1, 7, 100, 5000))))
    shapes = {
        "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "elf": b"\x7fELF" + bytes(500),
        "sqlite": b"SQLite format 3\x00" + bytes(100),
        "pdf": b"%PDF-1.7\n%\xff\xff\n",
        "nul": bytes(1000),
        "utf-16": GOOD_FILE.decode().encode("utf-16"),
        "utf-16-le": GOOD_FILE.decode().encode("utf-16-le"),
        "utf-32": GOOD_FILE.decode().encode("utf-32"),
        "empty": b"",
        "blank": b"\n\n\n",
        "one word": b"hello",
        "only blanks": b"   ",
        "only commas": b",,,,\n,,,,\n",
        "html": b"<!doctype html><html><body>404</body></html>\n",
        "json": b'{"id": "a"}\n',
        "yaml": b"a: 1\nb: [2]\n",
        "zip": _zip({"a.csv": GOOD_FILE}),
        "bom alone": b"\xef\xbb\xbf",
    }
    for name, content in shapes.items():
        yield ingest(kind, name, content)
    for n, name in enumerate(
        ("é".encode("latin-1"), b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x80\x81")
    ):
        content = GOOD_FILE.replace(b"new7", b"new" + name)
        yield ingest(kind, f"not UTF-8 {n}", content, "--strict")
    headers = {
        "no header": None,
        "twice": HEADER + ",id",
        "empty name": HEADER.replace("note", ""),
        "no camera": HEADER.replace("camera_id", "x"),
        "no time": HEADER.replace("timestamp", "x"),
        "control": HEADER.replace("note", "a\x01b"),
        "long": HEADER.replace("note", "n" * 5000),
        "unclosed": '"' + HEADER,
        "semicolons": HEADER.replace(",", ";"),
        "tabs": HEADER.replace(",", "\t"),
    }
    for name, header in headers.items():
        rows = [row(id="new1")] if header else [row(id="new1"), row(id="new2")]
        content = csv(*rows, header=header) if header else ("\n".join(rows) + "\n").encode()
        yield ingest(kind, f"header {name}", content, "--strict")


def csv_rows(random: Random) -> Iterator[Case]:
    """Yield files whose rows are wrong in shape; ``--strict`` refuses them whole."""
    kind = "csv rows"
    good = row(id="new1")
    for n in range(10):
        cells = random.choice((1, 2, 5, 9, 11, 30))
        yield ingest(kind, f"ragged {n}", csv(good, ",".join("x" * cells), row(id="z")), "--strict")
    broken = {
        "unclosed quote": good + '\n"never closed, 2026',
        "unclosed in the middle": good + '\n"a,' + good,
        "text after a quote": good.replace('"x"', '"x"y'),
        "huge cell": row(id="new1", note="y" * 3_000_000),
        "huge id": row(id="y" * 3_000_000),
        "many cells": good + "," + ",".join("z" for _ in range(20_000)),
        "NUL": good.replace("new1", "new\x001"),
        "lone returns": good.replace(",", "\r,", 1),
        "same id, other cells": good + "\n" + row(id="new1", bbox_x="7"),
        "stored id, other cells": row(id="a01"),
        "mixed line ends": good + "\r\n" + row(id="q", timestamp="") + "\r" + row(id="r"),
    }
    for name, text in broken.items():
        yield ingest(kind, name, csv(text), "--strict")


def csv_cells(random: Random) -> Iterator[Case]:
    """Yield files with one bad cell among good rows; ``--strict`` refuses them whole."""
    for n, (name, text) in enumerate(BAD_CELLS):
        rows = [row(id=f"new{k}") for k in range(3)]
        rows.insert(random.randrange(4), row(**({"id": "bad"} | {name: text})))
        yield ingest("csv cells", f"{name} {n} {text[:20]!r}", csv(*rows), "--strict")
    for n, local in enumerate(("2026-10-25T02:30:00", "2026-03-29T02:30:00")):
        content = csv(row(timestamp=local))
        yield ingest("csv cells", f"DST {n}", content, "--strict", "--tz", "Europe/Madrid")
    yield ingest("csv cells", "naive", csv(row(timestamp="2026-01-12T10:00:00")), says="--tz")


def parquet(random: Random) -> Iterator[Case]:
    """Yield Parquet files that are torn or of the wrong types."""
    kind = "parquet"
    table = pa.table(
        {
            "id": ["n1", "n2"],
            "camera_id": ["lab", "lab"],
            "timestamp": pd.to_datetime(["2026-01-12T10:00Z"] * 2),
            **{f"bbox_{side}": [1.0, 2.0] for side in "xywh"},
        }
    )
    whole = _parquet(table)
    for n in range(10):
        yield ingest(
            kind, f"torn {n}", whole[: random.randrange(1, len(whole) - 1)], file="a.parquet"
        )
    for n in range(10):
        torn = bytearray(whole)
        for _ in range(30):
            torn[random.randrange(4, len(whole) - 8)] = random.randrange(256)
        yield ingest(kind, f"scrambled {n}", bytes(torn), file="a.parquet", codes=(2,))
    for name, content in {
        "encrypted": b"PARE" + bytes(100) + b"PARE",
        "magic": b"PAR1PAR1",
        "empty": b"",
        "length": b"PAR1" + bytes(10) + b"\xff\xff\xff\x7fPAR1",
    }.items():
        yield ingest(kind, name, content, file="a.parquet")
    odd: dict[str, Any] = {
        "id": [[1], [2]],
        "camera_id": [{"a": 1}, {"a": 2}],
        "timestamp": [[0], [1]],
        "bbox_x": [{"a": 1}] * 2,
        "bbox_w": [Decimal("-1.5"), Decimal("2")],
        "bbox_y": [["1"], ["2"]],
        "frame": [1.5, 2.5],
        "bbox_h": [float("inf"), float("nan")],
        "detection_confidence": ["high", "low"],
    }
    for name, values in odd.items():
        changed = table.drop_columns(name) if name in table.column_names else table
        changed = changed.append_column(name, pa.array(values))
        yield ingest(kind, f"odd {name}", _parquet(changed), "--strict", file="a.parquet")
    typed = {
        "naive time": ("timestamp", pa.array([0, 1], pa.timestamp("us"))),
        "late time": ("timestamp", pa.array([2**62, 1], pa.timestamp("us", "UTC"))),
        "huge frame": ("frame", pa.array([2**64 - 1, 1], pa.uint64())),
        "bytes for an id": ("camera_id", pa.array([b"\xff\xfe", b"a"])),
        "long id": ("camera_id", pa.array(["x" * 300, "a"])),
        "time of day": ("timestamp", pa.array([0, 1], pa.time64("us"))),
        "span": ("timestamp", pa.array([0, 1], pa.duration("us"))),
        "nothing": ("camera_id", pa.nulls(2)),
    }
    for name, (column, values) in typed.items():
        changed = table.drop_columns(column) if column in table.column_names else table
        content = _parquet(changed.append_column(column, values))
        yield ingest(kind, name, content, "--strict", file="a.parquet")
    twice = pa.Table.from_arrays([*table.columns, table["id"]], [*table.column_names, "id"])
    yield ingest(kind, "two of a name", _parquet(twice), file="a.parquet")
    yield ingest(kind, "no columns", _parquet(pa.table({})), file="a.parquet")
    yield ingest(kind, "no camera", _parquet(table.drop_columns("camera_id")), file="a.parquet")


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()
