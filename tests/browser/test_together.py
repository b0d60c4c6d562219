"""Who meets whom, in JupyterLab and as a page: slid, searched, clicked, played; names stay text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from playwright.sync_api import Page

import workbench
from tests.browser.chromium import Watched, watched
from tests.browser.conftest import HOSTILE, HOSTILE_CAMERA
from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_app import LATE, VOILA, free_port
from tests.browser.test_lab import ROOT, put, run_all
from tests.browser.together_page import TogetherPage
from tests.notebooks.lab import server, words

NOTEBOOK = ROOT / "notebooks" / "03_co_occurrence.ipynb"
ASKED = {"window_s": 10, "significance": True, "seed": 0}
SHOW = """bench = workbench.open({!r})
explorer = bench.together.pairs(**{!r}).explore()
explorer"""
TALL = 3200  # the graph, the encounters, and both maps of two people
DRAWN = 40  # pairs, before anybody asks for more


@dataclass
class Known:
    """What Python says of the small demo: its pairs in the order drawn, and what people are called.

    `a` and `b` are the pair that is more than chance and was together longest, `row` its place
    among those drawn.
    """

    pairs: pd.DataFrame
    names: dict[str, str]
    met: pd.DataFrame
    a: str
    b: str
    row: int


def small_notebook(target: Path, store: Path, **asked: Any) -> None:
    """Write a notebook of the explorer alone."""
    sources = ("import workbench", SHOW.format(str(store), asked))
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    spec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
    target.write_text(nbformat.writes(book), encoding="utf-8")


@pytest.fixture(scope="module")
def known(small_demo: Path) -> Known:
    with workbench.open(small_demo) as bench:
        rows = bench.together.pairs(**ASKED).pairs
        rows = rows.sort_values(
            ["q", "p", "count", "a", "b"], ascending=[True, True, False, True, True],
            ignore_index=True,
        )  # fmt: skip
        row = int(rows["overlap_s"].where(rows["q"] <= 0.05).idxmax())
        a, b = rows.loc[row, ["a", "b"]]
        people = bench.identities.all().dropna(subset="name")
        names = dict(zip(people["id"], people["name"], strict=True))
        return Known(rows, names, bench.together.encounters(a, b, window_s=10), a, b, row)


@pytest.fixture(scope="module")
def lab(browser: Any, small_demo: Path, tmp_path_factory: Any) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("notebooks")
    put(NOTEBOOK, folder / "notebook.ipynb")
    small_notebook(folder / "together.ipynb", small_demo, **ASKED)
    command = [sys.executable, str(ROOT / "scripts" / "lab.py"), f"--store={small_demo}"]
    command += [f"--notebooks={folder}", *words()]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


@pytest.fixture(scope="module")
def app(
    browser: Any, small_demo: Path, hostile_store: Path, tmp_path_factory: Any
) -> Iterator[str]:
    pytest.importorskip("voila", reason="Voila is not installed (the extra app)")
    folder = tmp_path_factory.mktemp("notebooks")
    small_notebook(folder / "together.ipynb", small_demo, **ASKED)
    # An hour: the one whose name is HTML is with somebody then.
    small_notebook(folder / "hostile_pairs.ipynb", hostile_store, window_s=3600)
    command = [sys.executable, str(ROOT / "scripts" / "app.py"), f"--store={small_demo}"]
    command += [f"--notebooks={folder}", "--no-browser", f"--port={free_port()}"]
    with server(command, tmp_path_factory.mktemp("home"), ROOT) as address:
        yield address


@pytest.fixture(scope="module", params=["JupyterLab", "Voila"])
def opened(request: Any, browser: Any) -> Iterator[tuple[str, Watched]]:
    """Return a page of JupyterLab, then one of Voila, with the explorer: one for all tests."""
    with watched(browser, width=1400, height=TALL) as watch:
        if request.param == "JupyterLab":
            run_all(watch, request.getfixturevalue("lab"), "together.ipynb")
        else:
            open_link(watch.page, request.getfixturevalue("app"), "together")
        yield request.param, watch


def open_link(page: Page, app: str, name: str) -> None:
    """Open a page of Voila by its link in the list of them."""
    page.goto(app)
    page.get_by_role("link", name=name).click()


@pytest.fixture
def shown(opened: tuple[str, Watched]) -> Iterator[TogetherPage]:
    """Return the explorer with nothing chosen; nothing of the test may have left the machine."""
    _, watch = opened
    page = TogetherPage(watch.page)
    page.until(lambda: page.part("count").is_visible())
    page.show_all()
    page.until(lambda: as_at_first(page))
    yield page
    check(watch)


def check(watch: Watched) -> None:
    watch.errors[:] = [one for one in watch.errors if one not in (LATE, VOILA)]
    watch.check()


def as_at_first(page: TogetherPage) -> bool:
    """Return whether all is drawn, and nothing is chosen."""
    return (
        page.said("count").startswith(f"{DRAWN} of ")
        and page.lines() == DRAWN
        and page.said("details").startswith("Click a dot")
        and page.part("stage").locator(".wb-trajectory").count() == 0
        and page.part("listed").is_hidden()
    )


def counted(left: pd.DataFrame, top: int = DRAWN) -> tuple[int, int, int]:
    """Return what the explorer has to say of pairs: drawn, left, people."""
    drawn = left.head(top)
    return len(drawn), len(left), len({*drawn["a"], *drawn["b"]})


def test_each_threshold_leaves_as_many_pairs_as_python(shown: TogetherPage, known: Known) -> None:
    rows = known.pairs
    assert shown.counted() == counted(rows) and shown.lines() == DRAWN
    for slider, said, left in (
        ("chance", "q ≤ 0.05", rows[rows["q"] <= 0.05]),
        ("count", "2", rows[rows["count"] >= 2]),
        ("overlap", "5 s", rows[rows["overlap_s"] >= 5]),
        ("days", "2", rows[rows["days"] >= 2]),
    ):
        assert 0 < len(left) < len(rows), "a threshold that leaves all or none shows nothing"
        shown.changes("count", lambda slider=slider, said=said: shown.slide(slider, said))
        assert shown.counted() == counted(left), slider
        shown.until(lambda left=left: shown.lines() == min(DRAWN, len(left)))
        shown.changes("count", shown.show_all)
        assert shown.counted() == counted(rows), slider
        shown.until(lambda: shown.lines() == DRAWN)


def test_how_many_are_drawn_and_which_first(shown: TogetherPage, known: Known) -> None:
    said = shown.changes("count", lambda: shown.slide("top", "12"))
    assert shown.counted() == counted(known.pairs, 12) and "chance explains least" in said
    shown.until(lambda: shown.lines() == 12)

    order = shown.part("least-order").locator("select")
    said = shown.changes("count", lambda: order.select_option(label="together longest"))
    longest = known.pairs.sort_values(
        ["overlap_s", "count", "a", "b"], ascending=[False, False, True, True]
    )
    assert shown.counted() == counted(longest, 12) and "together longest" in said
    first = longest.head(12)
    shown.until(lambda: set(shown.places()) == {*first["a"], *first["b"]})
    order.select_option(label="chance explains least")


def test_too_high_a_threshold_says_so(shown: TogetherPage, known: Known) -> None:
    assert not ((known.pairs["q"] <= 0.01) & (known.pairs["overlap_s"] >= 300)).any()
    shown.changes("count", lambda: shown.slide("chance", "q ≤ 0.01"))
    said = shown.changes("count", lambda: shown.slide("overlap", "5 min"))
    assert "No pair reaches these thresholds" in said and "show all" in said
    shown.until(lambda: shown.lines() == 0 and shown.places() == {})
    shown.changes("count", shown.show_all)
    shown.until(lambda: shown.lines() == DRAWN)


def test_a_dot_shows_her_companions_and_plays_her_day(shown: TogetherPage, known: Known) -> None:
    said = shown.click_dot(known.a)
    hers = known.pairs[(known.pairs["a"] == known.a) | (known.pairs["b"] == known.a)]
    more = int((hers["q"] <= 0.05).sum())
    assert f"{len(hers)} companions, {more} of them more than chance" in said
    assert known.names[known.a] in said and known.a in said and known.names[known.b] in said
    assert shown.part("listed").is_hidden(), "of one there are no encounters"

    played = ExplorerPage(shown.page)
    title = shown.part("stage").locator(".gtitle").first.text_content() or ""
    assert title == f"Trajectory of {known.names[known.a]}"
    played.changes("count", lambda: played.brush(0.05, 0.4))
    played.changes("clock", played.play)
    shown.show_all()  # while it is played: what is gone may not be told of it
    shown.until(lambda: as_at_first(shown))
    shown.page.wait_for_timeout(1500)


def test_a_line_shows_the_encounters_and_plays_them(shown: TogetherPage, known: Known) -> None:
    said = shown.click_line(known.row)
    pair = known.pairs.loc[known.row]
    assert known.names[known.a] in said and known.names[known.b] in said
    assert f"together {pair['count']} times at {pair['cameras']} cameras" in said
    assert f"{pair['expected']:.1f} expected by chance; q = {pair['q']:.2g}" in said
    assert "more than chance" in said
    histogram = shown.drawn("histogram").text_content() or ""
    assert f"seen: {pair['count']}" in histogram

    starts = known.met["start"].dt.strftime("%H:%M:%S").tolist()
    listed = shown.part("encounters").locator("option").all_text_contents()
    assert [one.split()[3] for one in listed] == starts
    assert f"{len(starts)} encounters" in shown.said("listed")

    legend_stays_below_its_axis(shown)

    shown.part("encounters").locator("select").select_option(index=2)
    played = ExplorerPage(shown.page)
    assert played.said("clock").endswith(starts[2])
    title = shown.part("stage").locator(".gtitle").first.text_content() or ""
    assert known.names[known.a] in title and known.names[known.b] in title
    played.changes("clock", played.play)
    shown.click_encounter(0)
    shown.until(lambda: shown.clock().endswith(starts[0]))
    assert shown.part("encounters").locator("select").evaluate("one => one.selectedIndex") == 0


def legend_stays_below_its_axis(shown: TogetherPage) -> None:
    timeline = shown.drawn("encounter-timeline")
    shown.page.wait_for_timeout(500)  # plotly lays it out once more
    axis, legend = (timeline.locator(one).bounding_box() for one in (".xtitle", ".legend"))
    assert axis and legend and legend["y"] >= axis["y"] + axis["height"]
    picture = timeline.bounding_box()
    assert picture and legend["y"] + legend["height"] <= picture["y"] + picture["height"]


def test_search_and_only_whom_she_met(shown: TogetherPage, known: Known) -> None:
    options = shown.part("search").locator("option").evaluate_all("all => all.map(o => o.value)")
    assert f"{known.names[known.a]} ({known.a})" in options
    said = shown.changes("details", lambda: shown.look_for("nobody at all"))
    assert "Nobody here is called nobody at all." in said

    said = shown.changes("details", lambda: shown.look_for(known.names[known.a].lower()))
    assert known.a in said and shown.counted() == counted(known.pairs)
    shown.changes("count", shown.only_hers)
    whom, drawn = neighbourhood(known.pairs, known.a)
    shown.until(lambda: set(shown.places()) == whom)
    shown.until(lambda: shown.lines() == drawn)
    shown.changes("count", shown.only_hers)
    shown.until(lambda: shown.lines() == DRAWN)

    # Somebody who is not among those drawn: hers are drawn at once.
    first = known.pairs.head(DRAWN)
    beyond = next(one for one in known.pairs["a"] if one not in {*first["a"], *first["b"]})
    shown.changes("count", lambda: shown.look_for(beyond))
    shown.until(lambda: set(shown.places()) == neighbourhood(known.pairs, beyond)[0])
    shown.changes("count", shown.show_all)
    assert shown.part("search").locator("input").input_value() == ""
    shown.until(lambda: shown.lines() == DRAWN)


def neighbourhood(pairs: pd.DataFrame, who: str) -> tuple[set[str], int]:
    """Return somebody and her companions, and how many pairs they are."""
    hers = pairs[(pairs["a"] == who) | (pairs["b"] == who)]
    whom = {*hers["a"], *hers["b"]}
    return whom, int((pairs["a"].isin(whom) & pairs["b"].isin(whom)).sum())


def test_again_it_is_the_same(opened: tuple[str, Watched], shown: TogetherPage) -> None:
    place, watch = opened
    before = shown.places()
    if place == "Voila":
        watch.page.reload()  # its kernel is another
    else:
        rerun(watch.page)
    again = TogetherPage(watch.page)
    again.until(lambda: as_at_first(again), within_s=60)
    assert again.places() == before
    again.changes("count", lambda: again.slide("chance", "q ≤ 0.2"))
    again.until(lambda: again.lines() == again.counted()[0] < DRAWN)


def rerun(page: Page) -> None:
    """Run all cells once more, and wait for the last."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    page.locator(".jp-CodeCell .jp-InputArea-prompt").last.filter(has_text="[4]:").wait_for()


def test_the_notebook_runs_and_draws(browser: Any, lab: str) -> None:
    with watched(browser, width=1400, height=9000) as watch:
        run_all(watch, lab, "notebook.ipynb", within_s=180)  # it asks about chance twice
        page = watch.page
        assert page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").count() == 0
        shown = TogetherPage(page)
        shown.drawn("histogram")
        shown.drawn("encounter-timeline")
        assert "together" in shown.said("details"), "a cell chose two"
        pictures = watch.pictures()
        live = page.locator(".wb-together .js-plotly-plot").count()
        assert live == 3 and len(pictures) >= live + 4
        said = [watch.hover(picture) for picture in pictures]
        assert all(said), f"pictures that say nothing under the mouse: {said}"
        assert "match" not in page.locator(".jp-Notebook").inner_text().lower()
        check(watch)


def test_names_that_are_html_stay_text(browser: Any, app: str, hostile_store: Path) -> None:
    with workbench.open(hostile_store) as bench:
        pairs = bench.together.pairs(window_s=3600, camera="office").pairs
        everywhere = bench.together.pairs(window_s=3600).pairs
    (met,) = pairs[["a", "b"]].itertuples(index=False, name=None)
    row = list(everywhere[["a", "b"]].itertuples(index=False, name=None)).index(met)
    with watched(browser, width=1400, height=TALL) as watch:
        open_link(watch.page, app, "hostile pairs")
        shown, who = TogetherPage(watch.page), f"p2{HOSTILE}"
        assert shown.part("least-chance").count() == 0, "nobody asked about chance"
        options = shown.part("search").locator("option")
        listed = " ".join(options.evaluate_all("all => all.map(o => o.value)"))
        dot = shown.hover(shown.graph, "people", who)
        her = shown.changes("details", lambda: shown.look_for(who))
        title = shown.part("stage").locator(".gtitle").first.text_content() or ""
        watch.names_stay_text(listed, dot, her, title, shown.graph.text_content() or "")

        both = shown.click_line(row)
        line = shown.hover(shown.graph, "pairs", row)
        timeline = shown.drawn("encounter-timeline").text_content() or ""
        watch.names_stay_text(both, line, timeline)
        places = " ".join(shown.part("encounters").locator("option").all_text_contents())
        assert HOSTILE_CAMERA[:14] in places
        shown.part("encounters").locator("select").select_option(index=0)
        watch.names_stay_text(ExplorerPage(watch.page).said("table"))
        watch.names_stay_text(shown.changes("details", lambda: shown.look_for(HOSTILE * 2)))
        check(watch)
