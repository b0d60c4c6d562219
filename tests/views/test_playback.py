"""Where somebody is at a moment, checked by hand: two people, three cameras, a minute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.views.explorers.playback import Playback, Seen

S = 1_000_000


@pytest.fixture
def film() -> Playback:
    """Return ann: a visit of 10 s with places, 20 s later one of 5 s; ben: a visit without one."""
    rows = [
        # who, us, since, until, stop, plan, x, y
        ("ann", 0, 0, 10, 1, 0, 0.0, 0.0),
        ("ann", 4, 0, 10, 1, 0, 8.0, 4.0),
        ("ann", 10, 0, 10, 1, 0, 8.0, 10.0),
        ("ann", 30, 30, 35, 2, 1, 1.0, 1.0),
        ("ann", 35, 30, 35, 2, 1, 2.0, 1.0),
        ("ben", 2, 2, 50, 1, 0, 5.0, 5.0),
    ]
    names = ["who", "us", "since", "until", "stop", "plan", "x", "y"]
    frame = pd.DataFrame(rows, columns=names)
    return Playback(frame.assign(**{n: frame[n] * S for n in ("us", "since", "until")}))


def where(film: Playback, second: float) -> dict[str, tuple[float, float, int, bool, float]]:
    now = film.at(round(second * S))
    columns = [now[name].tolist() for name in ("x", "y", "plan", "seen", "since_s")]
    return dict(zip(now["who"], zip(*columns, strict=True), strict=True))


def test_nobody_is_anywhere_before_she_was_seen(film: Playback) -> None:
    assert where(film, -1) == {}
    assert set(where(film, 1)) == {"ann"}


def test_between_two_places_she_is_on_the_way(film: Playback) -> None:
    assert where(film, 1)["ann"] == (2.0, 1.0, 0, True, 0.0)
    assert where(film, 7)["ann"] == (8.0, 7.0, 0, True, 0.0)


def test_in_a_gap_she_stays_where_she_was_seen_last(film: Playback) -> None:
    assert where(film, 25)["ann"] == (8.0, 10.0, 0, False, 15.0)
    assert where(film, 30)["ann"] == (1.0, 1.0, 1, True, 0.0)
    assert where(film, 95)["ann"] == (2.0, 1.0, 1, False, 60.0)


def test_a_visit_that_goes_on_elsewhere_counts(film: Playback) -> None:
    """Somebody whom two cameras see: the older visit may outlast the newer one."""
    one, two = film.vertices.iloc[[5]], film.vertices.iloc[[5]]
    two = two.assign(us=20 * S, since=20 * S, until=21 * S, stop=2, x=9.0)
    both = Playback(pd.concat([one, two], ignore_index=True))
    assert where(both, 30)["ben"] == (9.0, 5.0, 0, True, 0.0)
    assert where(both, 60)["ben"] == (9.0, 5.0, 0, False, 10.0)


def test_the_trail_is_of_the_last_seconds_and_breaks_where_nobody_saw(film: Playback) -> None:
    def trail(second: float, length: float) -> list[tuple[float, float]]:
        rows = film.trail(round(second * S), length)
        rows = rows[rows["who"] == "ann"]
        return list(zip(rows["x"], rows["y"], strict=True))

    assert trail(7, 100) == [(0.0, 0.0), (8.0, 4.0), (8.0, 7.0)]
    assert trail(7, 4) == [(8.0, 4.0), (8.0, 7.0)]
    first, gap, *rest = trail(32.5, 25)
    assert first == (8.0, 10.0) and np.isnan(gap).all()
    assert rest == [(1.0, 1.0), (1.5, 1.0)]


def test_when_somebody_is_seen_next() -> None:
    seen = Seen(np.array([30, 0, 2]) * S, np.array([35, 10, 20]) * S)
    assert seen.span == (0, 35 * S)
    assert [seen.following(s * S) for s in (-1, 0, 2, 30)] == [0, 2 * S, 30 * S, None]
    assert [seen.preceding(s * S) for s in (0, 1, 30, 99)] == [None, 0, 2 * S, 30 * S]
    assert [seen.dark_until(s * S) for s in (-5, 0, 15, 20, 21, 35, 36)] == [
        *(0, None, None, None),
        *(30 * S, None, None),
    ]


def test_nothing_was_seen() -> None:
    nothing = Seen(np.array([], dtype="int64"), np.array([], dtype="int64"))
    assert nothing.span == (0, 0)
    assert nothing.following(0) is nothing.preceding(0) is nothing.dark_until(0) is None
