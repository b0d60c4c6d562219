"""An instant is the same however it is given: as text, a datetime, a Timestamp."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import times
from workbench.errors import InvalidInputError

ZONES = st.sampled_from([UTC, *(timezone(timedelta(minutes=m)) for m in (-721, -30, 45, 840))])


def told(value: object) -> object:
    """Return the instant, or why there is none."""
    try:
        return times.instant(value)
    except InvalidInputError as error:
        return error.where, error.message.rpartition("cannot be used")[2]


@given(st.datetimes(datetime(999, 12, 30), datetime(9000, 1, 3), timezones=ZONES))
def test_an_aware_datetime_is_the_instant_that_its_text_is(moment: datetime) -> None:
    for value in (moment, pd.Timestamp(moment)):
        assert told(value) == told(moment.isoformat())


@pytest.mark.parametrize(
    "value",
    [
        pd.NaT,
        datetime(2026, 1, 1),
        pd.Timestamp("2026-01-01T00:00:00.000000001Z"),
        datetime(1880, 1, 1, tzinfo=ZoneInfo("Europe/Madrid")),  # 14 minutes, 44 seconds behind
    ],
)
def test_a_datetime_that_is_no_instant_here_is_refused(value: object) -> None:
    assert isinstance(told(value), tuple)
