"""Sites in both backends: every question there is, equal answers in equal order.

The demo and all of CAMPUS take minutes: ``python -m tests.storage.asked``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.servers import Server
from tests.storage import asked, teams


def test_the_small_site(empty_neo4j: Server, tiny_site: Path, tmp_path: Path) -> None:
    teams.loaded(tmp_path / "file", tiny_site)
    teams.moved(tmp_path / "file", empty_neo4j, tmp_path / "team").close()
    alike = asked.ask_both(tmp_path, teams.config(empty_neo4j, tmp_path / "team"))
    assert list(alike) == list(asked.QUESTIONS)
    assert sum(rows > 0 for rows in alike.values()) == len(alike) - 4  # nobody meets by chance here


def test_campus(empty_neo4j: Server, shared_data: Path, tmp_path: Path) -> None:
    config = teams.config(empty_neo4j, tmp_path / "team")
    files = shared_data / "campus_auditorium"
    asked.campus(files, tmp_path, config, name="appearances_1hz.csv.gz")
    alike = asked.ask_both(tmp_path, config)
    assert alike["appearances"] == 4_470


def test_a_difference_is_seen() -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "n": [1.0, 2.0]})
    for other in (rows[::-1].reset_index(drop=True), rows.assign(n=[1.0, 2.0 + 1e-12])):
        with pytest.raises(AssertionError):
            asked.same(asked.plain([rows]), asked.plain([other]), "rows")
    asked.same(asked.plain([rows]), asked.plain([rows.copy()]), "rows")
