"""A million points in a browser: first picture, brush, lasso, mouse, and frames while playing.

And the frames of 10,000 sightings played in plotly, as the explorer of trajectories draws them.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from measure import Report, asked, folder
from playwright.sync_api import Browser, Page, sync_playwright

import workbench
from scripts.lab import words_of
from tests.browser.chromium import Watched, watched
from tests.browser.conftest import FLAGS, NAMES
from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_lab import run_all
from tests.browser.widget_page import opened, served, take_back
from tests.notebooks.lab import server, words
from workbench.views.explorers.figure_stage import MOST
from workbench.views.explorers.point_cloud import PointCloud

SEED = 7
ROOT = Path(__file__).resolve().parents[1]
CLUSTERS = 300
DAY_S = 86_400.0
# Every event of the mouse, and how long until the picture that shows it is there, pixels read.
WATCH = """
() => {
    const gl = document.querySelector(".wb-cloud-points").getContext("webgl2");
    const info = gl.getExtension("WEBGL_debug_renderer_info");
    const pixel = new Uint8Array(4);
    let since = null;
    window.took = [];
    window.frames = [];
    for (const kind of ["pointermove", "pointerup", "wheel"]) {
        document.addEventListener(kind, () => { since ??= performance.now(); }, true);
    }
    document.addEventListener("wb-drawn", () => {
        if (since === null) { window.frames.push(performance.now()); return; }
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
        window.took.push((performance.now() - since) / 1000);
        since = null;
    }, true);
    return gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}
"""
FIRST = """
() => {
    const gl = document.querySelector(".wb-cloud-points").getContext("webgl2");
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return [performance.now() / 1000, (performance.now() - window.begun) / 1000];
}
"""

TIMES = """
document.addEventListener("wb-drawn", () => { window.first ??= Date.now(); }, true);
document.addEventListener("pointerup", () => { window.let_go = Date.now(); }, true);
"""
CELL = """
import time
import numpy as np
from workbench.views.explorers.point_cloud import PointCloud

def note(kind):
    with open({log!r}, "a") as file:
        file.write(f"{{kind}} {{time.time()}}\\n")

x, y, at = np.random.default_rng(7).normal(0, 1, (3, {n}))
note("begin")
points = PointCloud(x, y, codes=np.arange({n}) % 24, seconds=at)
points.on_brush(lambda stretch: note("brush"))
points.on_select(lambda rows: note("select"))
points
"""

TRACKS = """
import workbench

bench = workbench.open({store!r})
explorer = bench.tracks.explore(bench.identities.all()["id"].tolist())
explorer
"""
# Every picture of the map that is done, and every frame of the page, which may show the same.
PICTURES = """
() => {
    window.frames = [];
    window.beats = [];
    const map = document.querySelector(".wb-map .js-plotly-plot");
    map.on("plotly_afterplot", () => window.frames.push(performance.now()));
    const beat = (at) => { window.beats.push(at); requestAnimationFrame(beat); };
    requestAnimationFrame(beat);
    return map._fullData.reduce((most, trace) => Math.max(most, trace.x?.length ?? 0), 0);
}
"""
NOTED = "() => [window.frames.splice(0), window.beats.splice(0)]"
# When the last picture came, in milliseconds since 1970, once none has come for three seconds.
LAST = """
() => new Promise((done) => {
    const since = performance.now();
    const look = () => {
        const last = window.frames.at(-1) ?? 0;
        if (performance.now() - Math.max(last, since) > 3000) done(performance.timeOrigin + last);
        else setTimeout(look, 100);
    };
    look();
})
"""


def cloud(n: int) -> PointCloud:
    """Return `n` points in clusters, of classes, over three days."""
    rng = np.random.default_rng(SEED)
    cluster = rng.integers(0, CLUSTERS, n)
    x, y = rng.normal(0, 25, (2, CLUSTERS))[:, cluster] + rng.normal(0, 1.3, (2, n))
    return PointCloud(x, y, codes=cluster % 24, seconds=rng.uniform(0, 3 * DAY_S, n))


def settled(page: Page) -> None:
    """Wait until what was begun is drawn."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 250))")


def taken(page: Page) -> np.ndarray:
    """Return how long the pictures since the last call took to come, in seconds."""
    settled(page)
    return np.array(page.evaluate("() => window.took.splice(0)"))


def box(page: Page, name: str) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a part of the widget."""
    found = page.locator(name).bounding_box()
    assert found is not None, name
    return found["x"], found["y"], found["width"], found["height"]


def drag(page: Page, corners: list[tuple[float, float]], pause_ms: int = 0) -> None:
    """Press, go by the corners, let go."""
    page.mouse.move(*corners[0])
    settled(page)
    page.evaluate("() => window.took?.splice(0)")
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
        page.wait_for_timeout(pause_ms)
    page.mouse.up()


def first_pictures(report: Report, page: Page, address: str, n: int, runs: int) -> None:
    """Open the page several times: from the call for it to pixels."""
    whole, own = [], []
    for _ in range(runs):
        opened(page, address)
        both = page.evaluate(FIRST)
        whole.append(both[0])
        own.append(both[1])
    report.duration("first picture, from opening the page", n, np.array(whole), below=6.0)
    report.duration("  of it drawing, after the data came", n, np.array(own))


def brushing(report: Report, page: Page, n: int, moves: int) -> None:
    """Drag the brush over most of the time."""
    x, y, wide, high = box(page, ".wb-cloud-strip")
    places = np.linspace(x + 80, x + wide - 60, moves)
    drag(page, [(px, y + high / 2) for px in places], pause_ms=100)
    report.duration("brush: mouse to picture", n, taken(page), below=0.6)
    page.mouse.dblclick(x + 62, y + high / 2)
    settled(page)


def picking(report: Report, page: Page, widget: PointCloud, n: int, moves: int) -> None:
    """Point at things, draw a lasso around half of them."""
    x, y, wide, high = box(page, ".wb-cloud-points")
    taken(page)
    page.mouse.move(x + wide / 2, y + high / 2)
    report.duration("first point under the mouse (the grid is made)", n, taken(page))
    for px in np.linspace(x + wide * 0.3, x + wide * 0.7, moves):
        page.mouse.move(px, y + high * 0.55)
        page.wait_for_timeout(50)
    report.duration("point under the mouse", n, taken(page))
    page.mouse.wheel(0, -200)
    report.duration("zoom: wheel to picture", n, taken(page))
    page.keyboard.press("0")
    page.locator("[data-tool=lasso]").click()
    turn = np.linspace(0, 2 * np.pi, 60)
    ring = np.column_stack([0.5 + 0.2 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)])
    drag(page, (ring * [wide, high] + [x, y]).tolist())
    lasso = taken(page)[-1:]
    take_back(page, widget)
    chosen = len(widget.selected())
    assert 0 < chosen < n
    report.duration(f"lasso: {chosen:,} points to picture", n, lasso, below=0.6)


def playing(report: Report, page: Page, n: int, seconds: float) -> None:
    """Let the time run and note the time between pictures."""
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(500)
    page.evaluate("() => window.frames.splice(0)")
    page.wait_for_timeout(int(seconds * 1000))
    frames = np.diff(page.evaluate("() => window.frames.splice(0)")) / 1000
    page.get_by_role("button", name="Pause").click()
    report.duration("a frame while playing", n, frames)


@contextmanager
def notebook(browser: Browser, path: Path, source: str) -> Iterator[Watched]:
    """Give a JupyterLab in which a notebook of one cell has run."""
    home, books = path / "home", path / "notebooks"
    home.mkdir()
    books.mkdir()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(source)]
    book = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    (books / "one.ipynb").write_text(nbformat.writes(book), encoding="utf-8")
    with (
        server(words_of(books, words()), home, ROOT) as address,
        watched(browser, height=1200) as watch,
    ):
        watch.page.add_init_script(TIMES)
        run_all(watch, address, "one.ipynb")
        yield watch


def through_a_kernel(report: Report, browser: Browser, n: int, moves: int) -> None:
    """Show the widget in JupyterLab and note when the kernel hears of brush and lasso."""
    with folder() as path:
        log = Path(path) / "log"
        with notebook(browser, Path(path), CELL.format(log=str(log), n=n)) as watch:
            watch.page.wait_for_function("() => window.first > 0")
            began = heard(log, "begin")[0]
            shown = watch.page.evaluate("() => window.first") / 1000
            report.duration(
                "JupyterLab: cell to first picture", n, np.array([shown - began]), below=6.0
            )
            settled(watch.page)
            brush_to_kernel(report, watch.page, log, n, moves)
            lasso_to_kernel(report, watch.page, log, n, moves)


def tracks(path: Path, n: int) -> Path:
    """Return a store of `n` sightings of eight people who walk about a hall, once a second each."""
    rng = np.random.default_rng(SEED)
    who, second = np.arange(n) % 8, np.arange(n) // 8
    x, y = (
        20 + 18 * np.sin(second / (90 + 7 * who) + who + turn) + rng.normal(0, 0.2, n)
        for turn in (0.0, 1.5)
    )
    rows = pd.DataFrame(
        {
            "id": [f"a{row:06d}" for row in range(n)],
            "timestamp": pd.Timestamp("2026-01-12T08:00:00Z") + pd.to_timedelta(second, unit="s"),
            "camera_id": np.where(x < 20, "west", "east"),
            "identity_id": [f"p{one}" for one in who],
            "floor_x_m": x.round(2),
            "floor_y_m": y.round(2),
        }
    )
    rows.to_csv(path / "rows.csv", index=False)
    workbench.ingest(path / "store", path / "rows.csv", quiet=True)
    return path / "store"


def played_in_plotly(report: Report, browser: Browser, n: int, seconds: float) -> None:
    """Play trajectories in JupyterLab; note the time between pictures, and between frames."""
    with folder() as path:
        source = TRACKS.format(store=str(tracks(Path(path), n)))
        with notebook(browser, Path(path), source) as watch:
            page, explorer = watch.page, ExplorerPage(watch.page)
            drawn = page.evaluate(PICTURES)
            assert drawn >= n, f"{drawn} marks of {n} sightings"
            before = explorer.said("clock")
            explorer.play()
            page.wait_for_timeout(2000)
            page.evaluate(NOTED)
            page.wait_for_timeout(int(seconds * 1000))
            pictures, beats = (np.diff(some) / 1000 for some in page.evaluate(NOTED))
            paused = time.time()
            explorer.play()
            late = max(0.0, page.evaluate(LAST) / 1000 - paused)
            assert explorer.said("clock") != before
    report.duration("plotly: a frame while playing, through the kernel", n, pictures)
    report.duration("  of the page meanwhile (animation frames)", n, beats)
    report.duration("  from the press of pause to the last picture", n, np.array([late]))


def brush_to_kernel(report: Report, page: Page, log: Path, n: int, moves: int) -> None:
    """Brush again and again; from letting go to the trait in Python."""
    page.locator(".wb-cloud").scroll_into_view_if_needed()
    x, y, wide, high = box(page, ".wb-cloud-strip")
    took = []
    for share in np.linspace(0.4, 0.9, moves):
        drag(page, [(x + 80, y + high / 2), (x + share * wide, y + high / 2)])
        took.append(last_heard(page, log, "brush"))
        page.mouse.dblclick(x + 62, y + high / 2)
        settled(page)
    report.duration("JupyterLab: brush to Python", n, np.array(took), below=0.6)


def lasso_to_kernel(report: Report, page: Page, log: Path, n: int, moves: int) -> None:
    """Draw around half of the points; from letting go to the rows in Python."""
    x, y, wide, high = box(page, ".wb-cloud-points")
    page.locator("[data-tool=lasso]").click()
    turn = np.linspace(0, 2 * np.pi, 60)
    took = []
    for size in np.linspace(0.2, 0.3, moves):
        ring = np.column_stack([0.5 + size * np.cos(turn), 0.5 + 0.3 * np.sin(turn)])
        drag(page, (ring * [wide, high] + [x, y]).tolist())
        took.append(last_heard(page, log, "select"))
    report.duration("JupyterLab: lasso to rows in Python", n, np.array(took), below=0.6)


def heard(log: Path, kind: str) -> list[float]:
    """Return the times at which the kernel heard of something."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [float(line.split()[1]) for line in lines if line.startswith(kind)]


def last_heard(page: Page, log: Path, kind: str) -> float:
    """Return how long after the mouse was let go the kernel heard the last of it."""
    let_go = page.evaluate("() => window.let_go") / 1000
    for _ in range(100):
        settled(page)
        after = [at for at in heard(log, kind) if at >= let_go]
        if after:
            return max(after) - let_go
    raise SystemExit(f"The kernel heard of no {kind}.")


def measure(report: Report, browser: Browser, n: int, quick: bool) -> str:
    """Measure one size and return what draws."""
    began = time.perf_counter()
    widget = cloud(n)
    report.duration("the widget in Python", n, np.array([time.perf_counter() - began]))
    with folder() as path, served(widget, Path(path)) as address:
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        first_pictures(report, page, address, n, 1 if quick else 5)
        renderer = str(page.evaluate(WATCH))
        brushing(report, page, n, 5 if quick else 40)
        playing(report, page, n, 1.0 if quick else 8.0)
        page.get_by_role("button", name="All times").click()
        settled(page)
        picking(report, page, widget, n, 5 if quick else 40)
        page.close()
    return renderer


def clouds(report: Report, browser: Browser, quick: bool) -> None:
    """Measure our own widget: in a page, and behind a kernel."""
    sizes = (2_000, 20_000) if quick else (10_000, 1_000_000)
    renderers = {measure(report, browser, n, quick) for n in sizes}
    print("Chromium draws with", json.dumps(sorted(renderers)))
    through_a_kernel(report, browser, sizes[-1], 2 if quick else 10)


def main() -> int:
    """Return 0 if everything is as promised."""
    quick, only = asked(__doc__ or "", ("cloud", "plotly"))
    report = Report("Explorers in a browser", judged=not quick)
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise SystemExit("No Chromium is on the path (Debian, Ubuntu: apt install chromium).")
    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        if only != "plotly":
            clouds(report, browser, quick)
        if only != "cloud":
            played_in_plotly(report, browser, 1_000 if quick else MOST, 2.0 if quick else 20.0)
        browser.close()
    return report.print(seed=SEED)


if __name__ == "__main__":
    sys.exit(main())
