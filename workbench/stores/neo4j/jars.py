"""What a local Neo4j server is made of: a Java, and the jars that Maven brings once.

Neo4j Community is on Maven Central as ordinary artifacts. They lie in a cache of this machine:
``WORKBENCH_CACHE``, else ``XDG_CACHE_HOME/workbench``, else ``~/.cache/workbench``. Where Maven
takes them from is Maven's own setting.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import (
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    ServerAwayError,
    StoreError,
)
from workbench.stores.locks import alone

VERSION = "5.26.31"
LEAST_JAVA = 17
INSTALL = "Debian, Ubuntu: apt install openjdk-17-jre-headless maven (or a later OpenJDK)"
_FETCH_S = 1800.0
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>neo4j-jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.neo4j</groupId>
      <artifactId>neo4j</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def missing() -> str | None:
    """Return which program a local server lacks on this machine, in words; None when none."""
    try:
        java()
        if not _place().is_dir():
            _maven()
    except MissingExtraError as error:
        return error.message
    return None


def java() -> str:
    """Return the path of a Java that runs this Neo4j: that of JAVA_HOME, else of PATH.

    Raises
    ------
    MissingExtraError
        When there is none, or only an older one.
    """
    found = {path: _java_version(path) for path in _javas()}
    for path, version in found.items():
        if version >= LEAST_JAVA:
            return path
    older = ", ".join(f"{path} is {version}" for path, version in found.items() if version)
    raise MissingExtraError(
        f"A local Neo4j server needs Java {LEAST_JAVA} or later, which is not here"
        + (f" ({older})." if older else "."),
        where="java",
        next=INSTALL,
    )


def jars() -> Path:
    """Return the folder with the jars of Neo4j Community, fetched where they are not here yet.

    Raises
    ------
    MissingExtraError
        When they have to be fetched and Maven is not here.
    ServerAwayError
        When Maven cannot fetch them.
    StoreError
        When the cache cannot be written.
    """
    place = _place()
    if not place.is_dir():
        try:
            _fetch(place)
        except OSError as error:
            raise StoreError(
                f"The cache cannot be written ({error.strerror or error}).",
                where=str(place.parent),
                next="Make room or mend the permissions; WORKBENCH_CACHE=DIR names another place.",
            ) from error
    return place / "lib"


def _place() -> Path:
    given = os.environ.get("WORKBENCH_CACHE")
    if given:
        return Path(given).absolute() / f"neo4j-{VERSION}"
    caches = os.environ.get("XDG_CACHE_HOME", "")
    try:
        folder = Path(caches) if os.path.isabs(caches) else Path.home() / ".cache"
    except RuntimeError as error:
        raise NotFoundError(
            "This user has no home folder in which jars could be kept.",
            where="WORKBENCH_CACHE",
            next="Name a folder for them: export WORKBENCH_CACHE=DIR",
        ) from error
    return folder / "workbench" / f"neo4j-{VERSION}"


def _javas() -> Iterator[str]:
    home = os.environ.get("JAVA_HOME")
    candidates = [shutil.which("java", path=str(Path(home) / "bin"))] if home else []
    yield from filter(None, [*candidates, shutil.which("java")])


def _java_version(path: str) -> int:
    try:
        done = subprocess.run([path, "-version"], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    said = (done.stderr + done.stdout).decode(errors="replace")
    version = re.search(r'version "(?:1\.)?(\d{1,4})', said)
    return int(version[1]) if version and done.returncode == 0 else 0


def _maven() -> str:
    path = shutil.which("mvn")
    if path is None:
        raise MissingExtraError(
            "Neo4j's jars come through Maven (mvn), which is not here.", where="mvn", next=INSTALL
        )
    return path


def _fetch(place: Path) -> None:
    """Bring the jars to their place, whole or not at all, by one process at a time."""
    maven = _maven()
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.with_name(f"{place.name}.lock"), _FETCH_S):
        if place.is_dir():  # another process has fetched them meanwhile
            return
        for left in place.parent.glob(f".{place.name}.*.new"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.new")
        fresh.mkdir()
        try:
            _copy_jars(maven, fresh)
            os.rename(fresh, place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _copy_jars(maven: str, folder: Path) -> None:
    sys.stderr.write(
        f"Fetching Neo4j Community {VERSION} through Maven into {folder.parent} "
        "(once, about 120 MB) ...\n"
    )
    sys.stderr.flush()
    pom = folder / "pom.xml"
    pom.write_text(_POM, encoding="utf-8")
    wanted = [_COPY, "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}"]
    try:
        done = subprocess.run(
            [maven, "-q", "-B", "-f", str(pom), *wanted],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_FETCH_S,
        )
    except subprocess.TimeoutExpired as error:
        raise _not_fetched(f"not within {_FETCH_S:g} s") from error
    if done.returncode or not (folder / "lib" / f"neo4j-{VERSION}.jar").is_file():
        raise _not_fetched(_first_error(done.stdout.decode(errors="replace")))


def _first_error(said: str) -> str:
    lines = [line.strip()[:500] for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no reason")


def _not_fetched(reason: str) -> ServerAwayError:
    return ServerAwayError(
        f"Maven could not fetch Neo4j Community {VERSION}: {reason}",
        where="mvn",
        next="See that Maven reaches its repository (its settings: ~/.m2/settings.xml), then "
        "repeat the same command.",
    )


def environment() -> dict[str, str]:
    """Return the environment for Java: it reads names of files as UTF-8, and knows no password."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    return kept | ({"LC_ALL": "C.UTF-8"} if sys.platform == "linux" else {})


def class_path(lib: Path) -> str:
    """Return the words that tell Java where the jars are.

    Raises
    ------
    InvalidInputError
        When the name of the folder cannot be said to Java.
    """
    if os.pathsep in str(lib):
        raise InvalidInputError(
            f"Java cannot read jars from a folder with {os.pathsep!r} in its name.",
            where=str(lib),
            next="Name another cache: export WORKBENCH_CACHE=DIR",
        )
    return f"{lib}/*"
