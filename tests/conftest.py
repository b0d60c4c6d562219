"""What every test may use, and the rule about leaving tests out.

A test that cannot run here skips with a reason of one line. The end of a run lists these reasons.
With WORKBENCH_REQUIRE set (as on the build server) a skip is a failure, except for the data folder
of others, which no clone brings with it, and for what only root may do.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import neo4j

    from tests.servers import OwnServer, Server

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
DATA_OF_OTHERS = "the data folder of others, ../shared/data, is not beside the clone"
TALLY = "tally"
NO_UMAP = "the extra umap is not installed"  # it brings a compiler along
NO_ROOT = "a small file system cannot be mounted here: it takes root"


# The same examples on every run: the test command says the same twice.
settings.register_profile("workbench", derandomize=True, deadline=None)
settings.load_profile("workbench")


def pytest_configure(config: pytest.Config) -> None:
    """Let no setting of the machine decide what a test sees."""
    for name in [name for name in os.environ if name.startswith(("NEO4J_", "FAISS_"))]:
        del os.environ[name]
    for name in ("WORKBENCH_STORE", "WORKBENCH_CONFIG"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Leave nothing in the machine's temporary folder: rejects of a dry run go where tests write.

    Its name is short, for sockets of browsers lie in it, and their paths may not be long.
    """
    folder = tmp_path_factory.mktemp("t")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)  # what was found before is forgotten
        yield folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets of others, or skip."""
    if not SHARED_DATA.is_dir():
        pytest.skip(DATA_OF_OTHERS)
    return SHARED_DATA


@pytest.fixture(scope="session")
def tiny_site() -> Path:
    """Return the folder of the site computed by hand."""
    return ROOT / "data" / "tiny_site"


@pytest.fixture(scope="session")
def answers(tiny_site: Path) -> dict[str, Any]:
    """Return every answer about the site computed by hand."""
    return json.loads((tiny_site / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return the Neo4j server of this worker; a test empties it first, or takes `empty_neo4j`."""
    from tests.servers import one_a_worker

    with one_a_worker(tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="session")
def neo4j_driver(neo4j_server: Server) -> Iterator[neo4j.Driver]:
    """Return a driver of the Neo4j server of this worker."""
    with neo4j_server.driver() as driver:
        yield driver


@pytest.fixture
def empty_neo4j(neo4j_server: Server, neo4j_driver: neo4j.Driver) -> Server:
    """Return the Neo4j server of this worker without data, constraints and indexes."""
    from tests.servers import empty

    empty(neo4j_driver, schema=True)
    return neo4j_server


@pytest.fixture(scope="module")
def new_neo4j(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., OwnServer]]:
    """Return a function that makes a Neo4j server of its own, to be started, killed, held."""
    from tests.servers import OwnServer, require

    require()
    made: list[OwnServer] = []

    def make(**words: Any) -> OwnServer:
        made.append(OwnServer(tmp_path_factory.mktemp("neo4j") / "server", **words))
        return made[-1]

    yield make
    for own in made:
        own.remove()


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[list[str]]:
    """Return where a test puts lines that are to be printed at the end of the run."""
    lines: list[str] = []
    yield lines
    for line in lines:
        record_property(TALLY, line)


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test was left out."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)


def refuse_skip(report: Any) -> None:
    """Turn a skip into a failure where nothing may be left out."""
    required = os.environ.get("WORKBENCH_REQUIRE", "") not in ("", "0")
    if not required or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = reason_of(report)
    if not any(allowed in reason for allowed in (DATA_OF_OTHERS, NO_ROOT, NO_UMAP)):
        report.outcome = "failed"
        report.longrepr = f"left out although WORKBENCH_REQUIRE is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Apply the rule to tests."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[Any]:
    """Apply the rule to modules that skip as a whole."""
    report = yield
    refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line each what was counted, left out, and what failed before the tests."""
    reports = [one for some in terminalreporter.stats.values() for one in some]
    # Under several processes only what a report carries arrives here.
    said = [pair for one in reports for pair in getattr(one, "user_properties", [])]
    for line in dict.fromkeys(line for name, line in said if name == TALLY):
        terminalreporter.write_line(str(line))
    left_out = Counter(reason_of(report) for report in terminalreporter.stats.get("skipped", []))
    for reason, tests in sorted(left_out.items()):
        terminalreporter.write_line(f"left out: {reason} ({tests} test{'s' if tests > 1 else ''})")
    failed = os.environ.get("WORKBENCH_FAILED_STEPS", "")
    if failed:
        terminalreporter.write_line(f"FAILED before the tests, see above: {failed}", red=True)
