"""Good files of every kind with something in them changed at random: bytes, cells, whole parts.

Some of them stay good. A dry run tells, and says the same as loading would; those that it refuses
are cases.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.bad_input.case import Case, outcome
from tests.bad_input.sides import PLAN, _image
from tests.bad_input.tables import BAD_CELLS, HEADER, _parquet, csv, row
from tests.bad_input.vectors import npy, npz

KIND = "mutated"
ROWS = 12
DIM = 16
TEXTS = (
    *(text.encode("utf-8", "surrogatepass") for _, text in BAD_CELLS if len(text) < 1000),
    *(b"", b'"', b'""', b",", b"\n", b"\r", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"=1+1", b"-1"),
    *(b"'; DROP TABLE appearance; --", b"<img src=x onerror=alert(1)>", b"lab", b"p1", b"a01"),
    *(b"1e308", b"-0", b"9223372036854775808", b"null", b"None", b"{}", b"[]", b"&a", b"!!x"),
)
SIDES = {
    "cameras": b"id,name,position_x,position_y,orientation,fov\nz1,Z,1,2,90,60\nz2,Y,3,4,0,50\n",
    "adjacency": b"from_camera,to_camera,distance_m,time_s\nlab,z1,5,4\nz1,office,7,6\n",
    "outages": b"camera_id,start,end\nlab,2026-01-12T10:00Z,2026-01-12T10:30Z\n",
    "identities": b"identity_id,name\nq1,Quin\nq2,Rae\n",
    "sources": b"file,camera_id,start_time,fps\na.csv,lab,2026-01-12T10:00Z,25\n",
}

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
CLOCK = ("--fps", "25", "--start-time", "2026-01-12T10:00Z")
FOREIGN = {
    "gt.txt": ("mot/HALL-01/gt/gt.txt", "--format", "mot", "--camera", "lab", *CLOCK),
    "det.txt": ("mot/HALL-01/det/det.txt", "--camera", "lab", *CLOCK),
    "ground_truth.txt": ("aicity/ground_truth.txt", *CLOCK),
    "market.txt": ("reid/market_names.txt", *CLOCK, "--frames-root", "{folder}"),
    "mars.txt": ("reid/mars_names.txt", "--format", "reid", *CLOCK),
    "veri.txt": ("reid/veri_names.txt", *CLOCK),
    "frames.jsonl": ("metropolis/frames.jsonl", "--space", "seen"),
    "mtmc.json": ("metropolis/mtmc.json", "--format", "metropolis", "--space", "seen"),
    "tracks.jsonl": ("tracks.jsonl", "--space", "seen"),
    "tracks.jsonl.gz": ("tracks.jsonl", "--space", "seen"),
    "tracks.json": ("metropolis/mtmc.json", "--format", "jsonl", "--columns", "camera_id=batchId"),
}


def met(
    random: Random, count: int, bench: Any, store: Path, folder: Path
) -> tuple[list[str], list[str]]:
    """Return the names of so many files that were refused, and what was wrong with how.

    A dry run tells which are; loading has to say the same, and neither changes the store.
    """
    before = bench.store.content_hash()
    refused, wrong = [], []
    for number, one in enumerate(mutated(random)):
        if len(refused) + len(wrong) >= count:  # what is wrong ends it as well
            break
        place = folder / f"m{number}"
        place.mkdir()
        asked = replace(one, words=[*one.words, "--dry-run"], codes=(0, 2, 3))
        code, problem = outcome(asked, bench, store, place)
        if code != 0 and not problem:
            refused.append(one.name)
            _, problem = outcome(replace(one, codes=(code,)), bench, store, place)
        if bench.store.content_hash() != before:
            problem = f"the store was changed; {problem}"
            before = bench.store.content_hash()
        if problem:
            wrong.append(f"{one.name}, in {place}: {problem}")
        else:
            shutil.rmtree(place)
    return refused, wrong


def mutated(random: Random) -> Iterator[Case]:
    """Yield loads for ever of files that were good once."""
    rows = csv(*(row(id=f"new{n}", identity_id="p1", bbox_x=str(n)) for n in range(ROWS)))
    vectors = np.random.default_rng(1).normal(size=(ROWS, DIM)).astype("float32")
    ids = np.array([f"new{n}" for n in range(ROWS)])
    frame = pd.DataFrame(
        {
            "id": ids,
            "camera_id": "lab",
            "timestamp": pd.Timestamp("2026-01-12T10:00Z"),
            "bbox_x": 1.0,
        }
    )
    frame[["bbox_y", "bbox_w", "bbox_h"]] = 2.0
    lists = pa.table({"id": ids, "vector": vectors.tolist()})
    good: dict[str, tuple[bytes, list[str], dict[str, bytes]]] = {
        "a.csv": (rows, [], {}),
        "a.csv.gz": (gzip.compress(rows, mtime=0), [], {}),
        "a.parquet": (_parquet(pa.Table.from_pandas(frame, preserve_index=False)), [], {}),
        "f.npy": (npy(vectors), ["{folder}/a.csv", "--face", "{folder}/f.npy"], {"a.csv": rows}),
        "f.npz": (
            npz(ids=ids, vectors=vectors),
            ["{folder}/a.csv", "--face", "{folder}/f.npz"],
            {"a.csv": rows},
        ),
        "f.parquet": (
            _parquet(lists),
            ["{folder}/a.csv", "--face", "{folder}/f.parquet"],
            {"a.csv": rows},
        ),
        "f.yaml": (PLAN, ["--floor-plan", "{folder}/f.yaml"], {"p.png": _image()}),
        "p.png": (_image(), ["--floor-plan", "{folder}/f.yaml"], {"f.yaml": PLAN}),
    }
    good |= _foreign()
    for option, table in SIDES.items():
        words = [f"--{option}", f"{{folder}}/{option}.csv"]
        beside = {"a.csv": rows} if option == "sources" else {}
        good[f"{option}.csv"] = (table, [*(f"{{folder}}/{n}" for n in beside), *words], beside)
    names = ["a.csv", *good]  # appearances are what people load most
    number = 0
    while True:
        name = random.choice(names)
        content, words, beside = good[name]
        changed, deeds = content, []
        for _ in range(random.randint(1, 3)):
            deed = random.choice(DEEDS[2:] if b"\x00" in content or name == "f.yaml" else DEEDS)
            changed = deed(random, changed)
            deeds.append(deed.__name__.strip("_"))
        if changed != content:
            words = ["ingest", *(words or [f"{{folder}}/{name}"]), "--strict"]
            files = {**beside, name: changed}
            yield Case(KIND, f"{name} {number} {' '.join(deeds)}", words, files)
            number += 1


def _foreign() -> dict[str, tuple[bytes, list[str], dict[str, bytes]]]:
    """Return the samples of other people's formats, each with the words that load it."""
    found: dict[str, tuple[bytes, list[str], dict[str, bytes]]] = {}
    for name, (sample, *words) in FOREIGN.items():
        content = (SAMPLES / sample).read_bytes()
        content = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        found[name] = (content, [f"{{folder}}/{name}", *words], {})
    return found


def _cell(random: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = random.randrange(len(lines))
    cells = lines[at].split(b",")
    cells[random.randrange(len(cells))] = random.choice(TEXTS)
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _column(random: Random, content: bytes) -> bytes:
    """Take a column away, or give it the name of another."""
    lines = [line.split(b",") for line in content.split(b"\n")]
    at, names = random.randrange(len(lines[0])), HEADER.encode().split(b",")
    if random.random() < 0.5:
        lines = [line[:at] + line[at + 1 :] for line in lines]
    else:
        lines[0][at] = random.choice(names)
    return b"\n".join(b",".join(line) for line in lines)


def _bit(random: Random, content: bytes) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _gap(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + content[at + random.choice((1, 2, 7, 50)) :]


def _again(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    part = content[at : at + random.choice((1, 9, 80))]
    return content[:at] + part * random.choice((2, 3, 40)) + content[at:]


def _inserted(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(TEXTS) + content[at:]


def _noise(random: Random, content: bytes) -> bytes:
    at, many = random.randrange(len(content) + 1), random.choice((1, 4, 30))
    return content[:at] + random.randbytes(many) + content[at + many :]


def _turned(random: Random, content: bytes) -> bytes:
    first, second = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return content[second:] + content[first:second] + content[:first]


# The first two are for tables of text.
DEEDS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _cell, _column, _bit, _cut, _gap, _again, _inserted, _noise, _turned,
)  # fmt: skip
