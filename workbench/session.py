"""Opening a store, and the rooms in it: the object a notebook works with."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.config import GraphConfig, WorkbenchConfig, load_config
from workbench.errors import ConflictError, InvalidInputError, StoreError
from workbench.queries.appearances import Appearances
from workbench.queries.cameras import Cameras
from workbench.queries.identities import Identities
from workbench.queries.similarity import Similarity
from workbench.queries.store import Store
from workbench.queries.together import Together
from workbench.queries.tracks import Tracks
from workbench.readers import LoadOptions
from workbench.storage.folder import create_store, is_store, open_store
from workbench.storage.load import Load, LoadFiles, LoadPolicy, LoadReport
from workbench.storage.manager import HybridStorageManager
from workbench.storage.restore import Restored
from workbench.storage.restore import restore as restore_backup
from workbench.storage.team import is_team_store, prepare, reached

if TYPE_CHECKING:
    from workbench.queries.demo import Demo

DEMO_FOLDER = Path("workbench-demo")
_GRAPHS = {"sqlite": "SQLite", "neo4j": "Neo4j"}


class Workbench:
    """A store and the questions one can ask it, room by room.

    Parameters
    ----------
    manager : HybridStorageManager
        Offered as ``.manager``, for the methods of the requirement document.
    display_tz : str
        Zone in which pictures show times.

    Attributes
    ----------
    appearances : Appearances
    identities : Identities
    cameras : Cameras
    together : Together
        Who was with whom, and whether it is chance.
    tracks : Tracks
    similarity : Similarity
    store : Store
        What is in it, whether it is sound, what was loaded.
    demo : Demo
        What was planted in the demo store.
    """

    def __init__(self, manager: HybridStorageManager, *, display_tz: str = "UTC") -> None:
        self.manager = manager
        self.display_tz = display_tz
        self.appearances = Appearances(manager)
        self.identities = Identities(manager)
        self.cameras = Cameras(manager, display_tz=display_tz)
        self.tracks = Tracks(manager.graph, display_tz=display_tz, crop=self.appearances.crop)
        self.together = Together(manager.graph, tracks=self.tracks, display_tz=display_tz)
        self.similarity = Similarity(manager, display_tz=display_tz)
        self.store = Store(manager)

    @property
    def demo(self) -> Demo:
        """Return the room of the planted stories: the demo store has it."""
        from workbench.queries.demo import Demo

        return Demo(self.manager)

    @property
    def closed(self) -> bool:
        """Whether it was closed: then nothing can be asked any more."""
        return self.manager.closed

    def close(self) -> None:
        """Close the store; closing twice is fine."""
        self.manager.close()

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workbench({str(self.manager.folder)!r})"


def open(
    store_or_config: str | Path | WorkbenchConfig | None = None,
    *,
    config: str | Path | WorkbenchConfig | None = None,
    create: bool = False,
) -> Workbench:
    """Return the workbench of a store.

    Parameters
    ----------
    store_or_config : path or WorkbenchConfig, optional
        A store's folder, a YAML file of configuration, or a configuration. Without it the store
        is ``WORKBENCH_STORE``, else ``./workbench-store``.
    config : path or WorkbenchConfig, optional
        The configuration, where the first argument is a folder.
    create : bool
        Make an empty store where there is none.

    Raises
    ------
    NotFoundError
        When there is no store and `create` is False; nothing is made.
    """
    settings = config if config is not None else None
    folder: Path | None = None
    if isinstance(store_or_config, WorkbenchConfig):
        settings = store_or_config
    elif store_or_config is not None:
        path = Path(store_or_config)
        if path.suffix in (".yaml", ".yml") and not path.is_dir():
            settings = path
        else:
            folder = path
    chosen = settings if isinstance(settings, WorkbenchConfig) else load_config(settings)
    folder = folder if folder is not None else chosen.store
    if create:
        _make(folder, chosen)
    return _opened(folder, chosen)


def _make(folder: Path, config: WorkbenchConfig) -> None:
    server = config.neo4j if config.graph.backend == "neo4j" else None
    create_store(folder, neo4j=server, wait_s=config.writer_wait_s)


def _opened(folder: Path, config: WorkbenchConfig) -> Workbench:
    _refuse_other_graph(folder, config)
    manager = open_store(
        folder, wait_s=config.writer_wait_s, space_settings=_spaces(config), neo4j=config.neo4j
    )
    return Workbench(manager, display_tz=config.display_tz)


def _refuse_other_graph(folder: Path, config: WorkbenchConfig) -> None:
    """Refuse a configuration that says the graph is elsewhere than where the store has it."""
    if not is_store(folder) or "backend" not in config.graph.model_fields_set:
        return
    there = "neo4j" if is_team_store(folder) else "sqlite"
    if there != config.graph.backend:
        raise ConflictError(
            f"The store in this folder keeps its graph in {_GRAPHS[there]}; the configuration "
            f"says {_GRAPHS[config.graph.backend]}.",
            where=f"{folder}, graph.backend",
            next="Give another folder with --store, or leave graph.backend out: a store knows "
            "where its graph is.",
        )


def _spaces(config: WorkbenchConfig) -> dict[str, dict[str, object]]:
    """Return what the configuration says of spaces; what it does not say is left to the files."""
    said: dict[str, dict[str, object]] = {}
    for name, space in config.faiss.all_spaces().items():
        given = space.model_fields_set
        names = {"dimensions": "dim", "index_type": "index_type", "precision": "precision"}
        names |= {"model_id": "model_id"}
        said[name] = {ours: getattr(space, key) for key, ours in names.items() if key in given}
    return said


@dataclass(frozen=True, slots=True)
class Ready:
    """A store that was made ready.

    Parameters
    ----------
    store : Path
        Its folder.
    created : bool
        Whether it was not there before.
    graph : {'sqlite', 'neo4j'}
        Where its graph is kept.
    uri, database : str, optional
        Of the server.
    made, there : list of str
        Constraints and indexes of the server that were created, and that were there.
    """

    store: Path
    created: bool
    graph: str
    uri: str | None = None
    database: str | None = None
    made: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)


def init(config: WorkbenchConfig, *, graph: str | None = None) -> Ready:
    """Make an empty store ready, its folder and the schema of its graph, and say what was done.

    Parameters
    ----------
    config : WorkbenchConfig
    graph : {'sqlite', 'neo4j'}, optional
        In place of ``graph.backend`` of the configuration.

    Raises
    ------
    ConflictError
        When the store that is there keeps its graph elsewhere.
    ServerAwayError
        When the server does not answer; nothing was made.
    """
    if graph is not None:
        config = config.model_copy(update={"graph": GraphConfig.model_validate({"backend": graph})})
    folder = Path(config.store)
    _refuse_other_graph(folder, config)
    created = not is_store(folder)
    there = "neo4j" if is_team_store(folder) else "sqlite"
    if (config.graph.backend if created else there) == "sqlite":
        create_store(folder)
        return Ready(folder.absolute(), created, "sqlite")
    server = config.neo4j if created else reached(folder, config.neo4j)
    done = prepare(server, wait_s=config.writer_wait_s)
    _make(folder, config)
    return Ready(
        folder.absolute(), created, "neo4j", done.uri, done.database, done.made, done.there
    )


def ingest(
    store: str | Path | None,
    files: str | Path | Sequence[str | Path] = (),
    *,
    cameras: str | Path | None = None,
    adjacency: str | Path | None = None,
    outages: str | Path | None = None,
    floor_plan: str | Path | Sequence[str | Path] = (),
    identities: str | Path | None = None,
    sources: str | Path | None = None,
    face: str | Path | None = None,
    reid: str | Path | None = None,
    vectors: Mapping[str, str | Path] | None = None,
    config: str | Path | WorkbenchConfig | None = None,
    **options: Any,
) -> LoadReport:
    """Load files into a store, making it where there is none, and return what was done.

    Parameters
    ----------
    store : path or None
        The store's folder; None means as for :func:`open`.
    files : path or sequence of paths
        Appearance files.
    cameras, adjacency, outages, floor_plan, identities, sources : path, optional
        Tables beside them.
    face, reid : path, optional
        Files of vectors.
    vectors : mapping of str to path, optional
        Files of vectors of any space.
    **options
        The options of the command line with ``_`` for ``-``: those of
        :class:`workbench.readers.LoadOptions` (what the rows mean) and of
        :class:`workbench.storage.load.LoadPolicy` (``update``, ``strict``, ``dry_run``,
        ``join``, ``model_id``, ``precision``, ``quiet``).

    Raises
    ------
    InvalidInputError, NotFoundError
        Nothing was written.
    """
    meaning = {f.name for f in fields(LoadOptions)}
    policy = {f.name for f in fields(LoadPolicy)}
    unknown = sorted(set(options) - meaning - policy)
    if unknown:
        raise InvalidInputError(
            f"There is no option {unknown[0]!r}.",
            where=unknown[0],
            next="Options: " + ", ".join(sorted(meaning | policy)),
        )
    given = {"face": face, "reid": reid, **(vectors or {})}
    load = Load(
        LoadFiles(
            appearances=_paths(files),
            cameras=_path(cameras),
            adjacency=_path(adjacency),
            outages=_path(outages),
            floor_plans=_paths(floor_plan),
            identities=_path(identities),
            sources=_path(sources),
            vectors={space: Path(path) for space, path in given.items() if path is not None},
        ),
        LoadOptions(**{name: value for name, value in options.items() if name in meaning}),
        LoadPolicy(**{name: value for name, value in options.items() if name in policy}),
    )
    settings = config if isinstance(config, WorkbenchConfig) else load_config(config)
    folder = Path(store) if store is not None else settings.store
    existing = _opened(folder, settings).manager if is_store(folder) else None
    made: list[HybridStorageManager] = []

    def make() -> HybridStorageManager:
        _make(folder, settings)
        made.append(_opened(folder, settings).manager)
        return made[0]

    try:
        return load.run(existing, make, space_settings=_spaces(settings))
    finally:
        for manager in (existing, *made):
            if manager is not None:
                manager.close()


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _paths(given: str | Path | Sequence[str | Path]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(one) for one in given]


def restore(
    backup: str | Path,
    store: str | Path | None = None,
    *,
    replace: bool = False,
    config: str | Path | WorkbenchConfig | None = None,
) -> Restored:
    """Bring the store of a backup back and return what is in it.

    Every file of the backup is compared with its checksum before anything is changed, and the
    store with its content hash before it appears, in one step.

    Parameters
    ----------
    backup : path
        The folder that ``bench.store.backup()`` wrote.
    store : path, optional
        The new store's folder; None means as for :func:`open`.
    replace : bool
        Take the place of a store that is there. Its folder is removed with everything in it, and
        who has it open has to open the new one.
    config : path or WorkbenchConfig, optional
        The configuration: where ``graph.backend`` is a server, its database has to be empty.

    Raises
    ------
    NotFoundError
        When there is no backup.
    StoreDamagedError, StoreVersionError
        When a file of it is damaged or missing, or a newer version wrote it.
    ConflictError, InvalidInputError
        When a store is there and `replace` is False, or something else is.
    StoreBusyError, StoreError
        When somebody goes on writing the store that is there, or the disk refuses. Whatever is
        raised, what was there is as it was.
    """
    settings = config if isinstance(config, WorkbenchConfig) else load_config(config)
    folder = Path(store) if store is not None else settings.store
    wait_s = settings.writer_wait_s
    server = settings.neo4j if settings.graph.backend == "neo4j" else None
    return restore_backup(Path(backup), folder, replace=replace, wait_s=wait_s, neo4j=server)


def open_demo(
    path: str | Path | None = None, *, small: bool = False, seed: int = 7, reset: bool = False
) -> Workbench:
    """Return the workbench of the demo store, made first where it is missing.

    The demo is a simulated building: two levels, 14 cameras, about 400 people on five working
    days, some 40,000 sightings, and a few planted stories (``bench.demo.answers()``). Nobody in it
    exists. Making it takes seconds and no network.

    Parameters
    ----------
    path : path, optional
        Its folder; ``./workbench-demo`` unless given.
    small : bool
        About 100 people on two days, 6,000 sightings: made in a moment.
    seed : int
        Another seed, other people and days in the same building.
    reset : bool
        Make it anew. A store that this function did not make is refused.

    Raises
    ------
    InvalidInputError
        When something else is in that folder, or the demo there is of another size, seed or
        version and `reset` is False; nothing was changed.
    """
    from workbench.queries import demo

    folder = (Path(path) if path is not None else DEMO_FOLDER).absolute()
    there = _demo_there(folder)
    wanted = demo.mark(small=small, seed=seed)
    if there is not None and there != wanted and not reset:
        raise InvalidInputError(
            f"The demo here is {_demo_words(there)}, not {_demo_words(wanted)}.",
            where=str(folder),
            next="Make it anew with --reset (reset=True), or give another folder with --store.",
        )
    if there is None or reset:
        _make_demo(folder, small=small, seed=seed)
    return open(folder)


def _demo_there(folder: Path) -> dict[str, Any] | None:
    """Return what the demo in a folder says about itself; None where nothing is."""
    from workbench.queries.demo import MARK

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        said = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict) or "site" not in said:
        raise InvalidInputError(
            "There is something here that the demo did not make.",
            where=str(folder),
            next="Give another folder with --store.",
        )
    return said


def _demo_words(said: dict[str, Any]) -> str:
    if said.get("site") != "demo":
        return "one of an earlier version"
    size = "small" if said.get("small") else "full"
    return f"the {size} one of seed {said.get('seed')}, version {said.get('version')}"


def _make_demo(folder: Path, *, small: bool, seed: int) -> None:
    """Make the demo beside its folder and put it there when it is whole."""
    from workbench.queries import demo

    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.new")
    old = fresh.with_suffix(".old")
    try:
        demo.make(fresh, small=small, seed=seed)
        if folder.exists():
            os.rename(folder, old)
        os.rename(fresh, folder)
    except OSError as error:
        if _is_made(folder):  # somebody else made it in the meantime
            return
        raise StoreError(
            f"The demo cannot be made ({error.strerror}).",
            where=str(folder),
            next="Give a folder that can be written with --store.",
        ) from error
    finally:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)


def _is_made(folder: Path) -> bool:
    return is_store(folder) and _demo_there(folder) is not None
