"""Bad tables beside the appearances, bad floor plans, bad options."""

from __future__ import annotations

import io
from collections.abc import Iterator
from random import Random

from PIL import Image

from tests.bad_input.case import Case
from tests.bad_input.tables import csv, row

PLAN = b"level: roof\nimage: p.png\nmetres_per_pixel: 0.05\norigin_px: [20, 260]\n"


def _image(width: int = 20, height: int = 10, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, kind)
    return out.getvalue()


def tables(random: Random) -> Iterator[Case]:
    """Yield camera, adjacency, outage, identity and source tables that are wrong."""
    contents: dict[str, dict[str, str]] = {
        "cameras": {
            "no id": "name\nx\n",
            "empty id": "id,name\n,x\n",
            "long id": "id\n" + "x" * 201 + "\n",
            "text position": "id,position_x\nz,east\n",
            "infinite": "id,position_x\nz,inf\n",
            "no angle": "id,fov\nz,0\n",
            "negative angle": "id,fov\nz,-60\n",
            "clock": "id,clock_offset_s\nz,1e300\n",
            "twice": "id,name\nz,a\nz,b\n",
            "other name": "id,name\nlab,Elsewhere\n",
            "other place": "id,position_x\nlab,99\n",
            "both ids": "id,camera_id\nz,y\n",
            "control": "id,name\nz,a\x01\n",
            "empty": "",
            "NaN orientation": "id,orientation\nz,north\n",
        },
        "adjacency": {
            "one end": "from_camera\nlab\n",
            "empty end": "from_camera,to_camera\nlab,\n",
            "loop": "from_camera,to_camera\nlab,lab\n",
            "negative": "from_camera,to_camera,distance_m\nlab,office,-1\n",
            "infinite": "from_camera,to_camera,distance_m\nlab,office,inf\n",
            "negative time": "from_camera,to_camera,time_s\nlab,office,-5\n",
            "neither": "from_camera,to_camera,directed\nlab,office,perhaps\n",
            "contradiction": "from_camera,to_camera,distance_m\nentrance,corridor,99\n",
            "long": "from_camera,to_camera\nlab," + "x" * 300 + "\n",
            "empty": "",
            "NUL": "from_camera,to_camera\nlab,a\x00b\n",
            "twice": "from_camera,to_camera,distance_m\na,b,1\na,b,2\n",
        },
        "outages": {
            "backwards": "camera_id,start,end\nlab,2026-01-12T10:00Z,2026-01-12T09:00Z\n",
            "no time at all": "camera_id,start,end\nlab,2026-01-12T10:00Z,2026-01-12T10:00Z\n",
            "naive": "camera_id,start,end\nlab,2026-01-12T10:00,2026-01-12T11:00\n",
            "no end": "camera_id,start,end\nlab,2026-01-12T10:00Z,\n",
            "no column": "camera_id,start\nlab,2026-01-12T10:00Z\n",
            "no camera": "camera_id,start,end\n,2026-01-12T10:00Z,2026-01-12T11:00Z\n",
            "words": "camera_id,start,end\nlab,yesterday,today\n",
            "empty": "",
            "calendar": "camera_id,start,end\nlab,2026-02-30T00:00Z,2026-03-30T00:00Z\n",
        },
        "identities": {
            "no id": "name\nx\n",
            "empty id": "identity_id,name\n,x\n",
            "empty": "",
            "long": "identity_id\n" + "x" * 500 + "\n",
            "control": "identity_id\na\x02b\n",
            "other name": "identity_id,name\np1,Somebody Else\n",
            "twice": "identity_id,name\nq,a\nq,b\n",
        },
        "sources": {
            "no file": "camera_id\nlab\n",
            "no rate": "file,camera_id,fps\na.csv,lab,0\n",
            "negative": "file,camera_id,fps\na.csv,lab,-30\n",
            "words": "file,camera_id,start_time\na.csv,lab,noon\n",
            "empty": "",
            "naive": "file,camera_id,start_time,fps\na.csv,lab,2026-01-12T10:00,30\n",
            "twice": "file,camera_id\na.csv,lab\na.csv,office\n",
        },
    }
    for option, named in contents.items():
        for name, text in named.items():
            words = ["ingest", f"--{option}", "{folder}/t.csv", "--strict"]
            if option == "sources":
                words.insert(1, "{folder}/a.csv")
            files = {"t.csv": text.encode(), "a.csv": csv(row(id="new1"))}
            yield Case("side tables", f"{option} {name}", words, files)
        rubbish = {"t.csv": random.randbytes(300), "a.csv": csv(row(id="new1"))}
        words = ["ingest", "{folder}/a.csv", f"--{option}", "{folder}/t.csv"]
        yield Case("side tables", f"{option} rubbish", words, rubbish)


def floor_plans(random: Random) -> Iterator[Case]:
    """Yield floor plans whose YAML or image is wrong or hostile."""
    kind = "floor plans"
    good = {"f.yaml": PLAN, "p.png": _image()}
    texts: dict[str, bytes] = {
        "python tag": PLAN + b"x: !!python/object/apply:os.system ['true']\n",
        "python name": b"level: !!python/name:os.system\n" + PLAN.split(b"\n", 1)[1],
        "binary tag": PLAN.replace(b"roof", b"!!binary aGFsbG8="),
        "aliases": b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nlevel: *c\n"
        + PLAN[12:],
        "no level": PLAN.split(b"\n", 1)[1],
        "no image": PLAN.replace(b"image: p.png\n", b""),
        "no scale": PLAN.replace(b"metres_per_pixel: 0.05\n", b""),
        "no origin": PLAN.split(b"origin_px")[0],
        "list": b"- 1\n- 2\n",
        "text": b"hello\n",
        "empty": b"",
        "torn": PLAN[:30] + b'"',
        "tabs": b"\tlevel: x\n",
        "two": PLAN + b"---\n" + PLAN,
        "above": PLAN.replace(b"p.png", b"../p.png"),
        "far above": PLAN.replace(b"p.png", b"../../../etc/passwd"),
        "absolute": PLAN.replace(b"p.png", b"/etc/passwd"),
        "address": PLAN.replace(b"p.png", b"file:///etc/passwd"),
        "no file": PLAN.replace(b"p.png", b"none.png"),
        "folder": PLAN.replace(b"p.png", b"home"),
        "NUL": PLAN.replace(b"p.png", b'"p\\0.png"'),
        "number": PLAN.replace(b"p.png", b"7"),
        "zero scale": PLAN.replace(b"0.05", b"0"),
        "negative scale": PLAN.replace(b"0.05", b"-1"),
        "infinite": PLAN.replace(b"0.05", b".inf"),
        "NaN": PLAN.replace(b"0.05", b".nan"),
        "word": PLAN.replace(b"0.05", b"small"),
        "one origin": PLAN.replace(b"[20, 260]", b"[20]"),
        "three": PLAN.replace(b"[20, 260]", b"[1, 2, 3]"),
        "words": PLAN.replace(b"[20, 260]", b"[a, b]"),
        "infinite origin": PLAN.replace(b"20,", b".inf,"),
        "deep": b"[" * 2000,
        "map level": PLAN.replace(b"roof", b"{a: 1}"),
        "rubbish": random.randbytes(200),
        "long level": PLAN.replace(b"roof", b"r" * 20_000),
    }
    for name, text in texts.items():
        words = ["ingest", "--floor-plan", "{folder}/f.yaml"]
        yield Case(kind, name, words, good | {"f.yaml": text}, codes=(2, 3))
    images: dict[str, bytes] = {
        "no image": b"hello",
        "empty": b"",
        "torn": _image()[:40],
        "gif": _image(kind="GIF"),
        "bmp": _image(kind="BMP"),
        "header only": _image()[:24],
        "svg": b"<svg xmlns='x'/>",
        "huge": _image()[:16] + (2**31 - 1).to_bytes(4, "big") * 2 + _image()[24:],
    }
    for name, content in images.items():
        words = ["ingest", "--floor-plan", "{folder}/f.yaml"]
        yield Case(kind, f"image {name}", words, good | {"p.png": content})


WHERE = (
    "",
    "(",
    "1 +",
    "camera_id",
    "camera_id ==",
    "x == 1",
    "camera_id = 'lab'",
    "lambda: 1",
    "__import__('os').system('true')",
    "camera_id.__class__",
    "camera_id.upper() == 'LAB'",
    "().__class__.__bases__[0]",
    "[x for x in (1,)]",
    "camera_id if 1 else 2",
    "camera_id[0] == 'l'",
    "f'{camera_id}' == 'lab'",
    "(" * 300 + "1" + ")" * 300,
    "not " * 3000 + "camera_id == 'lab'",
    "9**9**9**9 == 1",
    "camera_id @ 1",
    "camera_id; 1",
    "*camera_id",
    "camera_id == {}",
    "exec('1')",
    "camera_id == 'a\x00'",
    "camera_id := 1",
    "-camera_id > 1",
    "id in camera_id",
    "'lab' is camera_id",
    "yield camera_id",
    "__builtins__ == 1",
    "1e999999 < bbox_x and",
    "camera_id == b'lab'",
    "camera_id == ...",
    "a" * 100_000,
)


def options(random: Random) -> Iterator[Case]:
    """Yield good files with bad options."""
    kind = "options"
    frames = csv("n1,lab,0", header="id,camera_id,frame")
    good = csv(row(id="new1"))
    start = ("--start-time", "2026-01-12T10:00Z")
    for value in (
        "0",
        "-1",
        "nan",
        "inf",
        "30/0",
        "0/1",
        "1e3",
        "thirty",
        "",
        "30 fps",
        "0x1e",
        "9" * 50,
    ):
        words = ["ingest", "{folder}/a.csv", "--fps", value, *start]
        yield Case(kind, f"fps {value[:12]!r}", words, {"a.csv": frames})
    for value in (
        "Mars/Base",
        "",
        "../../etc/passwd",
        "Europe/",
        "+01:00",
        "UTC\x00",
        "/etc/localtime",
        "x" * 5000,
    ):
        words = ["ingest", "{folder}/a.csv", "--tz", value]
        yield Case(kind, f"tz {value[:20]!r}", words, {"a.csv": good})
    for value in ("noon", "2026-01-12T10:00", "", "0", "2026-13-01T00:00Z", "99999-01-01T00:00Z"):
        words = ["ingest", "{folder}/a.csv", "--fps", "30", "--start-time", value]
        yield Case(kind, f"start {value!r}", words, {"a.csv": frames})
    for n, value in enumerate(WHERE):
        words = ["ingest", "{folder}/a.csv", "--where", value]
        yield Case(kind, f"where {n} {value[:24]!r}", words, {"a.csv": good})
    pairs = (
        "",
        "=",
        "id",
        "=x",
        "id=",
        "id=none",
        "nothing=id",
        "timestamp=camera_id=x",
        "load_id=id",
        "created_at=timestamp",
        "source_row=id",
    )
    for value in pairs:
        words = ["ingest", "{folder}/a.csv", "--columns", value, "--strict"]
        yield Case(kind, f"columns {value!r}", words, {"a.csv": good})
    for option, values in {
        "--dataset": ("", "a:b", "x" * 300, "a\x01"),
        "--camera": ("", "x" * 300, "a\n"),
        "--format": ("xml", ""),
        "--box": ("ltrb",),
        "--time-unit": ("h",),
        "--position-unit": ("yard",),
        "--origin": ("here", "200,3", "3,91", "nan,1", "1e3,2", "1"),
        "--identity-from": ("face",),
        "--join": ("name",),
        "--precision": ("int4",),
        "--columns": ("x",),
    }.items():
        for value in values:
            words = ["ingest", "{folder}/a.csv", option, value]
            yield Case(kind, f"{option} {value[:12]!r}", words, {"a.csv": good})
    for words in (
        ["ingest"],
        ["ingest", "{folder}"],
        ["ingest", "{folder}/none.csv"],
        ["ingest", "{folder}/a.csv/x"],
        ["ingest", "a\x00b"],
        ["ingest", "/dev/null"],
        ["detect", "{folder}/none"],
        ["detect", "{folder}"],
        ["ingest", "{folder}/a.csv", "{folder}/a.csv", "--face", "{folder}/none.npy"],
        ["ingest", "{folder}/a.csv", "--unknown"],
        ["ingest", "{folder}/a.csv", "--strict=1"],
    ):
        codes = (2, 3)
        yield Case(kind, " ".join(words)[:40], words, {"a.csv": good}, codes=codes)
