"""The browser of the distribution, and a store whose names try to run a script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import workbench

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--use-gl=angle",
    "--use-angle=swiftshader",
]
# plotly leaves an unknown tag alone and obeys <b>: with both, either mistake is seen.
HOSTILE = "<b>Ben</b><img src=x onerror=window.pwned=1>"
HOSTILE_CAMERA = "<b>Office</b><svg onload=window.pwned=2>"


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Return headless Chromium, or skip."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on the path (Debian, Ubuntu: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of the small demo site."""
    folder = tmp_path_factory.mktemp("stores") / "demo"
    workbench.open_demo(folder, small=True).close()
    return folder


@pytest.fixture(scope="session")
def hostile_store(tiny_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store of the small site where a person and a camera have names that are HTML."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in ("appearances", "cameras", "identities", "outages"):
        rows = pd.read_csv(tiny_site / f"{name}.csv", dtype="str")
        if "identity_id" in rows:
            rows["identity_id"] = rows["identity_id"].replace("p2", f"p2{HOSTILE}")
        if name == "identities":
            rows.loc[rows["identity_id"].str.startswith("p2"), "name"] = HOSTILE
        if name == "cameras":
            rows.loc[rows["id"] == "office", ["name", "location"]] = HOSTILE_CAMERA
        if name == "outages":
            rows["source"] = HOSTILE
        rows.to_csv(folder / f"{name}.csv", index=False)
    workbench.ingest(
        folder / "store",
        folder / "appearances.csv",
        **{name: folder / f"{name}.csv" for name in ("cameras", "identities", "outages")},
        adjacency=tiny_site / "adjacency.csv",
        floor_plan=tiny_site / "floor_plan.yaml",
        face=tiny_site / "face.npz",
        reid=tiny_site / "reid.npz",
        quiet=True,
    )
    return folder / "store"
