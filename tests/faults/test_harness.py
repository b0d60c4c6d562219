"""The trials are worth something: they catch the document's protocol and each missing safeguard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import campaign, safeguards, trial
from tests.faults.test_kills import traced

# Steps that write vectors, then others that write over what the killed one left.
PLAN = {"seed": 1, "first": 10, "last": 15}


def kills(
    writer: trial.Writer, base: trial.Base, place: Path, variant: str | None = None
) -> list[trial.Result]:
    """Kill before and after each of the first commits and writes of a base."""
    results = []
    for name in ("COMMIT", "pwrite"):
        for number in range(1, 6):
            for deed in ("before", "after"):
                folder = place / f"{name}{number}{deed}"
                with safeguards.removed(variant):
                    point = (name, number, deed)
                    outcome = trial.run(writer, base, folder, failpoint=point, variant=variant)
                    wrong = trial.check(base, folder, outcome) if outcome.struck else []
                results.append(trial.Result(f"{name} {number}", bool(outcome.struck), tuple(wrong)))
    return results


def caught(results: list[trial.Result]) -> int:
    """Return in how many trials something was wrong."""
    return len([one for one in results if one.wrong])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> trial.Base:
    """Return a store in the middle of its plan."""
    return trial.base(tmp_path_factory.mktemp("harness") / "base", **PLAN)


def test_with_every_safeguard_nothing_is_wrong(
    writer: trial.Writer, base: trial.Base, place: Path
) -> None:
    results = kills(writer, base, place)
    assert len([one for one in results if one.struck]) >= 15
    assert caught(results) == 0, results


def test_the_protocol_of_the_document_is_caught(
    writer: trial.Writer, place: Path, tally: list[str]
) -> None:
    base = trial.base(place / "base", subject="document", **PLAN)
    results = []
    for last in range(PLAN["first"], PLAN["last"]):
        # Its commits are single statements: it is killed after each acknowledged step instead.
        outcome = trial.run(writer, base, place / f"t{last}", failpoint=("step", last - 9, "after"))
        wrong = trial.check(base, place / f"t{last}", outcome)
        results.append(trial.Result(f"step {last}", bool(outcome.struck), tuple(wrong)))
    tally.append(f"caught: the document's protocol, killed: {caught(results)} of {len(results)}")
    assert caught(results) >= 3, results


@pytest.mark.parametrize("variant", ["append at the end of the file", "commit before sync"])
def test_kills_catch(
    writer: trial.Writer, base: trial.Base, place: Path, tally: list[str], variant: str
) -> None:
    results = kills(writer, base, place, variant)
    tally.append(f"caught: {variant}, killed: {caught(results)} of {len(results)}")
    assert caught(results) >= 2, results


@traced
@pytest.mark.parametrize("variant", ["no fdatasync", "commit before sync"])
def test_power_cuts_catch(
    writer: trial.Writer, base: trial.Base, place: Path, tally: list[str], variant: str
) -> None:
    results = campaign.cut_everywhere(writer, [base], place, count=16, seed=22, variant=variant)
    tally.append(f"caught: {variant}, power cut: {caught(results)} of {len(results)}")
    assert caught(results) >= 2, results


def test_flipped_bits_catch_a_missing_checksum_check(
    base: trial.Base, place: Path, tally: list[str]
) -> None:
    untouched = trial.Outcome(0, base.first - 1, [], "flip")
    counts = []
    for variant in (None, "no crc check"):
        wrong = []
        for n in range(10):
            folder = place / f"{variant}{n}"
            trial.copied(base, folder)
            flip(next(folder.glob("vectors/reid-*.seg")), 64 + 80 * n + 5)
            with safeguards.removed(variant):
                found = trial.check(base, folder, untouched)
            wrong.append(any("another's vector" in one for one in found))
        counts.append(sum(wrong))
    tally.append(f"caught: no crc check, a flipped bit: {counts[1]} of 10 (with it: {counts[0]})")
    assert counts[0] == 0 and counts[1] >= 3


def flip(path: Path, at: int) -> None:
    """Change the sign of one number of a row."""
    data = bytearray(path.read_bytes())
    for place in range(at, at + 40):
        data[place] ^= 0x80
    path.write_bytes(data)
