"""One bad input, and what it has to meet with."""

from __future__ import annotations

import contextlib
import io
import json
import os
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import workbench
from workbench.cli import main
from workbench.errors import WorkbenchError

Call = Callable[[Any], object]
FOLDER = "{folder}"


@dataclass(frozen=True)
class Case:
    """A command over files, or a call of a room; `codes` are the exit codes that are right.

    ``{folder}`` in a word is the folder of the files, ``{store}`` the store.
    """

    kind: str
    name: str
    words: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    call: Call | None = None
    codes: tuple[int, ...] = (2,)
    says: str = ""


def filled(path: Path, site: Path) -> Path:
    """Make the store that bad input is given to: the site computed by hand."""
    named = {name: site / f"{name}.csv" for name in ("cameras", "adjacency", "outages")}
    workbench.ingest(
        path,
        site / "appearances.csv",
        **named,
        identities=site / "identities.csv",
        floor_plan=site / "floor_plan.yaml",
        face=site / "face.npz",
        reid=site / "reid.npz",
        quiet=True,
    )
    return path


def met(cases: Iterable[Case], bench: Any, store: Path, folder: Path) -> list[str]:
    """Return what is wrong with how these inputs were met, each in a folder of its own."""
    before = bench.store.content_hash()
    wrong = []
    for number, case in enumerate(cases):
        place = folder / str(number)
        place.mkdir()
        _, problem = outcome(case, bench, store, place)
        if bench.store.content_hash() != before:
            problem = f"the store was changed; {problem}"
            before = bench.store.content_hash()
        if problem:
            wrong.append(f"{case.kind}: {case.name}: {problem}")
    return wrong


def outcome(case: Case, bench: Any, store: Path, folder: Path) -> tuple[int, str]:
    """Return the exit code, and what is wrong with how the input was met, '' when nothing is."""
    try:
        code, error = _called(case.call, bench) if case.call else _typed(case, store, folder)
    except Exception:
        return 70, "crashed: " + traceback.format_exc(limit=-4)
    if code not in case.codes:
        return code, f"exit {code}, not {case.codes}: {error}"
    if code in (0, 1):
        return code, ""
    missing = [part for part in ("message", "where", "next") if not error.get(part)]
    if missing:
        return code, f"no {' and no '.join(missing)}: {error}"
    text = " ".join(str(error[part]) for part in ("message", "where", "next"))
    return code, "" if case.says in text else f"does not say {case.says!r}: {error}"


def _called(call: Call, bench: Any) -> tuple[int, dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            call(bench)
        except WorkbenchError as error:
            said = {"message": error.message, "where": error.where, "next": error.next}
            return error.exit_code, said
    return 0, {}


def _typed(case: Case, store: Path, folder: Path) -> tuple[int, dict[str, Any]]:
    for name, content in case.files.items():
        (folder / name).write_bytes(content)
    words = [
        word.replace(FOLDER, str(folder)).replace("{store}", str(store)) for word in case.words
    ]
    if not any("--store" in word for word in words):
        words += ["--store", str(store)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    home = folder / "home"
    home.mkdir(exist_ok=True)
    with (
        contextlib.chdir(home),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        code = main([*words, "--json"])
    out.flush(), err.flush()
    text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "Traceback" not in err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert not os.listdir(home), "something was left in the working folder"
    document = json.loads(text)
    return code, document.get("error", document)
