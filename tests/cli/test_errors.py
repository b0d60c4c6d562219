"""What goes wrong: the exit code, an error that says what, where and what next, nothing changed."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def installed_command(run: Any) -> list[str]:
    """Return the command and make sure the module of these fixtures is the one in use."""
    import sys

    beside = Path(sys.executable).parent / "workbench"
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "workbench"]


def test_the_exit_codes_are_those_of_the_process(run: Any, site: Path, tmp_path: Path) -> None:
    run("stats", "--json", cwd=tmp_path).error(3)
    assert list(tmp_path.iterdir()) == []
    error = run("identity", "p6", "--store", site, "--json").error(3)
    assert error["where"] == "identity p6"
    words = ["identities", "--start", "2026-01-12T08:00", "--store", site, "--json"]
    assert "--tz" in str(run(*words).error(2)["next"])


@pytest.mark.parametrize(
    "words",
    [
        ["stats"],
        ["track", "p1"],
        ["find", "--appearance", "a01"],
        ["unload", "x"],
    ],
    ids=lambda words: words[0],
)
def test_where_there_is_no_store_nothing_is_made(quick: Any, tmp_path: Path, words: list) -> None:
    error = quick(*words, "--json", cwd=tmp_path).error(3)
    assert error["type"] == "NotFoundError"
    assert error["where"] == str(tmp_path / "workbench-store")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["identity", "p6"], "p6"),
        (["track", "P1"], "P1"),
        (["visits", "p1", "nobody"], "nobody"),
        (["find", "--appearance", "zz"], "zz"),
        (["find", "--identity", "zz"], "zz"),
        (["find", "--appearance", "a01", "--space", "gait"], "gait"),
        (["find", "--appearance", "a07"], "a07"),
        (["find", "--appearance", "a01", "--camera", "roof"], "roof"),
        (["appearances", "--identity", "zz"], "zz"),
        (["appearances", "--after", "zz"], "zz"),
        (["path", "entrance", "roof"], "roof"),
        (["unload", "0123"], "0123"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_an_id_that_is_not_there(quick: Any, site: Path, words: list[str], named: str) -> None:
    error = quick(*words, "--store", site, "--json").error(3)
    assert error["type"] == "NotFoundError"
    assert named in error["message"] and named in error["where"]


def test_an_id_that_breaks_the_line_is_shown_on_one(quick: Any, site: Path) -> None:
    odd = "a\nb\r\x1b[1m\u2028c"
    done = quick("identity", odd, "--store", site)
    assert done.err.splitlines()[1] == r"  where: identity a\nb\r\x1b[1m\u2028c"
    assert quick("identity", odd, "--store", site, "--json").error(3)["where"] == f"identity {odd}"


def test_files_that_are_not_there(quick: Any, site: Path, tmp_path: Path) -> None:
    for words in (
        ["ingest", tmp_path / "no.csv", "--store", tmp_path / "s"],
        ["detect", tmp_path / "no.csv"],
        ["stats", "--config", tmp_path / "no.yaml"],
        ["find", "--vector", tmp_path / "no.npy", "--store", site],
        ["find", "--vectors", tmp_path / "no.npy", "--store", site],
    ):
        error = quick(*words, "--json").error(3)
        assert str(words[1 if words[0] in ("ingest", "detect") else 2]) in error["where"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["fnid"], "workbench"),
        (["stats", "--jsno"], "--jsno"),
        (["track"], "ID"),
        (["path", "a"], "CAM"),
        (["stats", "--csv"], "--json --csv"),
        (["stats", "--store", ""], "--store"),
        (["find", "--k", "3"], "find"),
        (["find", "--appearance", "a", "--identity", "b"], "--appearance --identity"),
        (["find", "--appearance", "a", "--k", "0"], "--k"),
        (["find", "--appearance", "a", "--by", "track"], "--by"),
        (["ingest", "x", "--columns", "timestamp"], "--columns"),
        (["ingest", "x", "--columns", "name=a", "--columns", "name=b"], "--columns"),
        (["ingest", "x", "--vectors", "face="], "--vectors"),
        (["ingest", "x", "--format", "xml"], "--format"),
        (["ingest"], "FILE"),
        (["appearances", "--limit", "-1"], "--limit"),
        (["appearances", "--limit", "9" * 30], "--limit"),
        (["identities", "--camera", os.fsdecode(b"\xff")], "--camera"),
        (["stats", "--display-tz", "Mars/Base"], "time zone"),
    ],
    ids=lambda value: "-".join(value[:3])[:30] if isinstance(value, list) else "",
)
def test_bad_usage(quick: Any, words: list[str], where: str) -> None:
    error = quick(*words, "--json").error(2)
    assert error["type"] == "InvalidInputError" and where in error["where"]


def test_bad_usage_in_words(run: Any) -> None:
    done = run("fnid")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: No such command 'fnid'.")
    assert "  next:  See: workbench --help\n" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["identities", "--start", "2026-01-12T08:00"],
        ["visits", "--end", "2026-01-12"],
        ["track", "p1", "--start", "soon"],
        ["track", "p1", "--start", "2026-01-12T09:00Z", "--end", "2026-01-12T08:00Z"],
        ["track", "p1", "--max-gap", "nan"],
        ["track", "p1", "--max-speed", "0"],
        ["find", "--appearance", "a01", "--min-similarity", "2"],
    ],
    ids=lambda words: "-".join(words[:4]),
)
def test_refused_questions(quick: Any, site: Path, words: list[str]) -> None:
    assert quick(*words, "--store", site, "--json").error(2)["type"] == "InvalidInputError"


@pytest.mark.parametrize(
    "content", [b"[1, 2", b'["a"]', b"[[1], [2]]", b"[]", b"\x93NUMPY\x01\x00", b"[1, 0]", b"[NaN]"]
)
def test_a_bad_query_vector(quick: Any, site: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.json").write_bytes(content)
    quick("find", "--vector", tmp_path / "v.json", "--store", site, "--json").error(2)


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_is_not_opened(quick: Any, site: Path, tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "v.npy", np.array([_Trap(tmp_path / "trap")]), allow_pickle=True)
    for option in ("--vector", "--vectors"):
        quick("find", option, tmp_path / "v.npy", "--store", site, "--json").error(2)
    assert not (tmp_path / "trap").exists()


def test_a_damaged_store(run: Any, copy: Path) -> None:
    database = copy / "store.sqlite"
    database.write_bytes(b"this is no database. " * 1000)
    error = run("stats", "--store", copy, "--json").error(4)
    assert error["type"] == "StoreDamagedError" and str(database) in error["where"]


def test_a_newer_store(run: Any, copy: Path) -> None:
    connection = sqlite3.connect(copy / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert run("stats", "--store", copy, "--json").error(4)["type"] == "StoreVersionError"


def test_a_busy_store(run: Any, quick: Any, copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("id,timestamp,camera_id\nz,2026-01-01T00:00:00Z,lab\n")
    (tmp_path / "c.yaml").write_text("writer_wait_s: 0.2\n")
    with (copy / "writer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = ["ingest", file, "--store", copy, "--config", tmp_path / "c.yaml", "--json"]
        assert run(*words).error(4)["type"] == "StoreBusyError"
        # Who reads need not wait.
        assert quick("stats", "--store", copy, "--json").document()["appearances"] == 30
    assert quick(*words).document()["added"] == 1


def test_a_changed_vector_is_a_finding(run: Any, quick: Any, copy: Path) -> None:
    segment = sorted((copy / "vectors").glob("*.seg"))[0]
    content = bytearray(segment.read_bytes())
    content[-3] ^= 0xFF
    segment.write_bytes(bytes(content))
    found = run("verify", "--store", copy, "--json").document(code=1)
    assert found["ok"] is False
    assert {problem["kind"] for problem in found["problems"]} >= {"vector_bytes"}
    text = quick("verify", "--store", copy)
    assert text.code == 1 and "vector_bytes" in text.out and "next (" in text.out


def test_the_configuration(run: Any, site: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"store: {site}\ndisplay_tz: Asia/Tokyo\nneo4j: {{database: x}}\n"
        "faiss: {search: {default_k: 2, min_similarity: 0.85}}\n"
    )
    done = run("stats", "--config", config)
    assert "2026-01-12 17:00:00+09:00 Asia/Tokyo" in done.out
    assert done.err.startswith("warning: ") and done.err.count("\n") == 1
    found = run("find", "--appearance", "a01", "--config", config, "--json").document()
    assert found["k"] == 2 and len(found["queries"][0]["results"]) == 1
    config.write_text("stroe: x\n")
    error = run("stats", "--config", config, "--json").error(2)
    assert error["type"] == "ConfigurationError" and "stroe" in error["where"]


def test_the_store_of_the_environment(run: Any, site: Path, tmp_path: Path) -> None:
    done = run("stats", "--json", cwd=tmp_path, WORKBENCH_STORE=str(site))
    assert done.document()["appearances"] == 30
    elsewhere = run("stats", "--store", "x", "--json", cwd=tmp_path, WORKBENCH_STORE=str(site))
    elsewhere.error(3)


def test_a_closed_pipe_is_no_error(run: Any, site: Path, installed_command: list[str]) -> None:
    process = subprocess.Popen(
        [*installed_command, "appearances", "--json", "--store", str(site)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_is_said(site: Path, installed_command: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*installed_command, "stats", "--store", str(site), "--csv"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 74 and "cannot be written" in done.stderr


def test_an_interrupt(run: Any, copy: Path, tmp_path: Path, installed_command: list[str]) -> None:
    file = tmp_path / "more.csv"
    file.write_text("id,timestamp,camera_id\nz,2026-01-01T00:00:00Z,lab\n")
    words = [*installed_command, "ingest", str(file), "--store", str(copy)]
    with (copy / "writer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            words,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # What is started in the background inherits a deaf ear for this signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        _wait_for_the_lock(process.pid, copy / "writer.lock")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip().startswith("Interrupted.")


def _wait_for_the_lock(pid: int, lock: Path) -> None:
    folder = Path(f"/proc/{pid}/fd")
    for _ in range(300):
        time.sleep(0.05)
        if not folder.exists():  # no /proc on this system
            time.sleep(4)
            return
        if any(_target(one) == str(lock) for one in folder.iterdir()):
            return


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def test_a_fault_of_ours(run: Any, tmp_path: Path) -> None:
    """A broken import stands for a bug: 70, one message, the traceback when asked for."""
    broken = tmp_path / "sitecustomize.py"
    broken.write_text("import sys\nsys.modules['workbench.session'] = None\n")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[2])])
    done = run("stats", "--json", PYTHONPATH=path)
    assert done.error(70)["type"] == "UnexpectedError"
    assert "Traceback" not in done.err
    done = run("stats", PYTHONPATH=path, WORKBENCH_DEBUG="1")
    assert done.code == 70 and "Traceback" in done.err and "please report it" in done.err


def test_an_id_that_looks_like_an_option_says_how(quick: Any, site: Path) -> None:
    error = quick("track", "-1", "--json").error(2)
    assert str(error["next"]).endswith("workbench track -- -1")
    error = quick("track", "-1", "--store", site, "--json").error(2)
    assert str(error["next"]).endswith(f"workbench track --store {site} -- -1")


def test_what_to_type_next_is_about_the_same_store(quick: Any, copy: Path, tmp_path: Path) -> None:
    named = tmp_path / "my store"
    copy.rename(named)
    (tmp_path / "c.yaml").write_text(f"store: {named}\n")
    wanted = f"workbench identities --store '{named}'"
    for words, variables in (
        (["--store", named], {}),
        ([f"--store={named}"], {}),
        ([], {"WORKBENCH_STORE": str(named)}),
    ):
        error = quick("track", "nobody", *words, "--json", **variables).error(3)
        assert error["next"].endswith(wanted)
        assert f"{wanted}\n" in quick("track", "nobody", *words, **variables).err
    error = quick("track", "nobody", "--config", tmp_path / "c.yaml", "--json").error(3)
    assert error["next"].endswith(f"workbench identities --config {tmp_path / 'c.yaml'}")
    # Text that is no command, a command that asks no store, and a place for a store.
    missing = tmp_path / "none"
    error = quick("stats", "--store", missing, "--json").error(3)
    assert f"workbench ingest FILE --store {missing}, or" in error["next"]
    assert error["next"].endswith("workbench demo")
    assert "--store" not in quick("fnid", "--store", named, "--json").error(2)["next"]
    file = tmp_path / "x.csv"
    file.write_text("id,timestamp,camera_id\nz,2026-01-01T00:00:00Z,lab\n")
    done = quick("ingest", file, "--store", named)
    assert done.out.endswith(f"next: workbench stats --store '{named}'\n")
    assert quick("ingest", file, cwd=tmp_path).out.endswith("next: workbench stats\n")


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["identity", "P1"], "'p1'"),
        (["identity", "p01"], "'p1'"),
        (["track", "p_2"], "'p2'"),
        (["visits", "p1", "p2 "], "'p2'"),
        (["find", "--identity", "P 3"], "'p3'"),
        (["find", "--appearance", "A1"], "'a01'"),
        (["appearances", "--after", "a-01"], "'a01'? See"),
        (["appearances", "--camera", "Entrance"], "'entrance'"),
        (["path", "entrnce", "lab"], "'entrance'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_ids_that_are_near_are_named(quick: Any, site: Path, words: list[str], near: str) -> None:
    error = quick(*words, "--store", site, "--json").error(3)
    assert error["next"].startswith(f"Did you mean {near}"), error
    assert "workbench " in error["next"]


def test_nothing_is_named_where_nothing_is_near(quick: Any, site: Path) -> None:
    for key in ("zzzz", "\x1b[2J", "x" * 5_000):
        error = quick("identity", key, "--store", site, "--json").error(3)
        assert error["next"].startswith("See who is there with: ")
