"""A server that is away, slow, or refuses; a commit whose answer is lost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import neo4j
import pytest

import workbench
from tests.faults import team, team_variants, trial
from tests.faults.team_proxy import Wire, wire
from tests.servers import OwnServer, Server
from workbench.errors import ConfigurationError, ServerAwayError, StoreError, UncertainCommitError

PASSWORD = "a password of a test"
ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "data" / "tiny_site"


# ------------------------------------------------------------------ away from the start
@pytest.fixture
def nowhere() -> Server:
    """Return a server that nobody started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return Server(f"bolt://127.0.0.1:{port}")


def test_a_server_that_was_never_there_is_named_at_once(nowhere: Server, place: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ServerAwayError) as refused:
        workbench.open(place / "store", config=team.config(nowhere), create=True)
    assert time.monotonic() - began < 3
    assert nowhere.uri in str(refused.value) and "workbench server neo4j" in str(refused.value)
    assert list(place.iterdir()) == []


def test_the_command_line_says_so_with_its_exit_code(
    nowhere: Server, life: team.Life, place: Path
) -> None:
    said = os.environ | {"NEO4J_URI": nowhere.uri}
    for words in (
        ("stats", "--store", str(life.folder), "--json"),
        ("ingest", str(SITE / "appearances.csv"), "--cameras", str(SITE / "cameras.csv"),
         "--store", str(place / "new"), "--config", str(place / "c.yaml"), "--json"),
    ):  # fmt: skip
        (place / "c.yaml").write_text("graph: {backend: neo4j}\n")
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *words],
            cwd=ROOT, env=said, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 5, (words, done)
        assert "Traceback" not in done.stderr and nowhere.uri in done.stderr + done.stdout
        assert time.monotonic() - began < 20
    assert not (place / "new").exists()


ASKED_AGAIN = """
import sys, neo4j
if sys.argv[2:]:
    import workbench.stores.neo4j.database
with neo4j.GraphDatabase.driver(sys.argv[1], max_transaction_retry_time=1) as driver:
    try:
        driver.execute_query("RETURN 1")
    except neo4j.exceptions.ServiceUnavailable:
        print("away")
"""


def test_what_the_driver_repeats_is_not_printed_between_answers(nowhere: Server) -> None:
    words = [sys.executable, "-c", ASKED_AGAIN, nowhere.uri]
    raw, ours = (
        subprocess.run([*words, *more], cwd=ROOT, capture_output=True, text=True, check=True)
        for more in ((), ("ours",))
    )
    assert "will be retried" in raw.stderr
    assert (ours.stdout, ours.stderr) == ("away\n", "")


# ------------------------------------------------------------------ a server of its own
@pytest.fixture(scope="module")
def own(new_neo4j: Callable[..., OwnServer]) -> OwnServer:
    """Return a server that asks for a password."""
    made = new_neo4j(password=PASSWORD)
    made.start()
    return made


@pytest.fixture(scope="module")
def locked(own: OwnServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[team.Life]:
    """Return a store on it, some steps old."""
    found = team.Life(own.server, tmp_path_factory.mktemp("locked"), 77)
    found.go(6)
    yield found
    found.close()


def test_a_wrong_password_changes_nothing(locked: team.Life, place: Path) -> None:
    wrong = team.config(replace(locked.server, password="not this one"))
    for folder, create in ((place / "new", True), (locked.folder, False)):
        with pytest.raises(ConfigurationError, match="refuses the user 'neo4j'") as refused:
            workbench.open(folder, config=wrong, create=create)
        assert "NEO4J_PASSWORD" in str(refused.value)
        assert "not this one" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="without a password"):
        workbench.open(locked.folder, config=team.config(replace(locked.server, password=None)))
    assert list(place.iterdir()) == []
    assert locked.check(done(locked)) == []


def test_who_is_refused_too_often_is_told_the_same(locked: team.Life) -> None:
    wrong = team.config(replace(locked.server, user="nobody", password="not this one"))
    for _ in range(5):  # the server soon does not even look at the password
        with pytest.raises(ConfigurationError, match="refuses the user 'nobody'"):
            workbench.open(locked.folder, config=wrong)


def test_a_server_that_pauses_is_waited_for(own: OwnServer, locked: team.Life) -> None:
    with team.opened(locked.folder, locked.settings) as store:
        store.do(team.plan(locked.seed)[locked.next])
        own.hold()
        threading.Timer(1.5, own.go_on).start()
        began = time.monotonic()
        try:
            store.do(team.plan(locked.seed)[locked.next + 1])
        finally:
            own.go_on()
        assert time.monotonic() - began > 1
    locked.next += 2
    assert locked.check(done(locked)) == []


def test_who_comes_while_it_stands_still_is_told_in_time(own: OwnServer, locked: team.Life) -> None:
    impatient = team.config(locked.server, connection_timeout=1)
    own.hold()
    try:
        began = time.monotonic()
        with pytest.raises(ServerAwayError):
            workbench.open(locked.folder, config=impatient)
        assert time.monotonic() - began < 10
    finally:
        own.go_on()
    assert locked.check(done(locked)) == []


def test_a_client_that_is_connected_is_told_that_it_stands_still(
    own: OwnServer, locked: team.Life
) -> None:
    hasty = team.config(locked.server, max_transaction_retry_time=0.5, connection_timeout=1)
    with team.opened(locked.folder, hasty) as store:
        before = store.content_hash()
        own.hold()
        try:
            began = time.monotonic()
            with pytest.raises(ServerAwayError):
                store.content_hash()
            assert time.monotonic() - began < 45  # two signs of life left out, 10 s each
        finally:
            own.go_on()
        assert store.content_hash() == before


def test_a_server_that_comes_back_is_found_again(own: OwnServer, locked: team.Life) -> None:
    hasty = team.config(locked.server, max_transaction_retry_time=0.5, connection_timeout=1)
    patient = team.config(locked.server, max_transaction_retry_time=120)
    step = team.plan(locked.seed)[locked.next]
    with (
        team.opened(locked.folder, hasty) as store,
        team.opened(locked.folder, patient) as waiting,
    ):
        before = store.content_hash()
        own.kill()
        for ask in (store.content_hash, lambda: store.do(step)):
            began = time.monotonic()
            with pytest.raises(ServerAwayError):
                ask()
            assert time.monotonic() - began < 8
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.append(waiting.content_hash()))
        asking.daemon = True
        asking.start()  # a question is asked again until there is an answer
        own.start()
        asking.join(120)
        assert [*answers, store.content_hash()] == [before, before]
        store.do(step)
    locked.next += 1
    assert locked.check(done(locked)) == []


def done(life: team.Life) -> trial.Outcome:
    """Return what is to be checked where nothing was struck."""
    return trial.Outcome(0, life.next - 1, [])


# ------------------------------------------------------------------ a lost answer
class Cut:
    """A store behind a wire that is cut at the commit of a unit of work."""

    def __init__(self, life: team.Life, line: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
        self.life, self.line = life, line
        self.how = ""
        life.room(3)
        while team.plan(life.seed)[life.next].kind != "batch":
            life.room(3)
            life.go()
        self.step = team.plan(life.seed)[life.next]
        server = replace(life.server, uri=line.uri)
        self.store = team.Team(life.folder, team.config(server, max_transaction_retry_time=2))
        commit = neo4j.Transaction.commit

        def cut(unit: neo4j.Transaction) -> None:
            line.cut, self.how = self.how, ""
            commit(unit)

        monkeypatch.setattr(neo4j.Transaction, "commit", cut)

    def write(self, how: str) -> Exception | None:
        """Do the next step; return what it was refused with."""
        self.how = how
        try:
            self.store.do(self.step)
        except (ServerAwayError, StoreError) as error:
            return error
        finally:
            assert not self.how and not self.line.cut, "nothing was cut"
        return None

    def there(self) -> bool:
        """Return whether the step is in the store, as others see it."""
        with team.opened(self.life.folder, self.life.settings) as other:
            other.settle()
            return set(self.step.ids) <= set(other.bench.appearances.find()["id"])

    def sequence(self) -> int:
        return int(self.store.bench.manager.graph.sequence())

    def end(self, *, written: bool = True) -> list[str]:
        """Check the store, and go on."""
        self.store.close()
        self.life.next += written
        return self.life.check(done(self.life))


@pytest.fixture
def cut(life: team.Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    with wire(life.server.uri) as line:
        yield Cut(life, line, monkeypatch)


def test_a_commit_whose_answer_was_lost_is_acknowledged(cut: Cut) -> None:
    before = cut.sequence()
    assert cut.write("after") is None
    assert cut.line.cuts == 1 and cut.there()
    after = cut.sequence()
    assert after == before + 1
    cut.store.do(cut.step)  # again: it is there
    assert cut.sequence() == after
    assert cut.end() == []


def test_a_commit_that_never_arrived_is_refused(cut: Cut) -> None:
    before = cut.sequence()
    error = cut.write("before")
    assert type(error) is ServerAwayError and "nothing was changed" in str(error), error
    assert cut.line.cuts == 1 and not cut.there()
    assert cut.sequence() == before
    cut.store.do(cut.step)
    assert cut.there()
    assert cut.end() == []


@pytest.mark.parametrize("how", ["before", "after"])
def test_where_nobody_can_say_the_error_says_so(cut: Cut, how: str) -> None:
    before = cut.sequence()
    cut.line.dark = True
    error = cut.write(how)
    assert isinstance(error, UncertainCommitError), error
    assert "it is not known whether it did" in str(error)
    assert "Repeat the same call" in str(error) and cut.line.uri in str(error)
    cut.line.mend()
    assert cut.there() == (how == "after")
    cut.store.do(cut.step)
    assert cut.sequence() == before + 1, "it was written twice"
    assert cut.end() == []


def test_a_commit_cut_at_any_moment_is_what_was_said(
    life: team.Life, monkeypatch: pytest.MonkeyPatch, tally: list[str]
) -> None:
    results = []
    began = time.monotonic()
    for _ in range(4):
        with wire(life.server.uri) as line, monkeypatch.context() as patch:
            one = Cut(life, line, patch)
            error = one.write("sent")
            wrong = [f"said {error!r:.100}"] * ((error is None) != one.there())
            if error is not None:
                one.store.do(one.step)
            results.append(trial.Result(f"{life.seed}-{life.next}", True, (*wrong, *one.end())))
    tally.append(trial.tallied("team: commit cut while sent", results, time.monotonic() - began))
    assert not [one for one in results if one.wrong], tally[-1]


def test_whoever_does_not_read_the_op_id_back_is_caught(cut: Cut) -> None:
    with team_variants.removed("op id not read back"):
        error = cut.write("after")
    assert isinstance(error, ServerAwayError) and cut.there()
    assert cut.end() == []
