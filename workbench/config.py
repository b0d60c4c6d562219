"""The configuration: a YAML file with ``${VAR}``, environment variables over it, checked by key.

Nothing is read at import. :func:`load_config` reads one file and one environment; what the
environment says wins over the file, the file over the defaults.

::

    store: ./workbench-store               # WORKBENCH_STORE
    display_tz: Europe/Madrid              # WORKBENCH_DISPLAY_TZ
    writer_wait_s: 30                      # WORKBENCH_WRITER_WAIT_S
    graph: {backend: neo4j}                # WORKBENCH_GRAPH__BACKEND; sqlite unless it says so
    neo4j:
      password: "${NEO4J_PASSWORD}"        # NEO4J_PASSWORD, or WORKBENCH_NEO4J__PASSWORD
    faiss:
      face: {dimensions: 512}              # WORKBENCH_FAISS__FACE__DIMENSIONS
      spaces:
        gait: {dimensions: 256}            # WORKBENCH_FAISS__SPACES__GAIT__DIMENSIONS

``${VAR}`` stands for a variable that must be set, ``${VAR:-text}`` (also ``${VAR:text}``) for one
that need not be, ``$${`` for the characters ``${``; ``!ENV`` before a value changes nothing.
"""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic import ValidationError as PydanticValidationError

from workbench import times
from workbench.errors import ConfigurationError, NotFoundError

Key = tuple[str, ...]

_PREFIX = "WORKBENCH_"
# Names that the requirement documents use, and the keys they mean.
_DOCUMENT_NAMES: dict[str, Key] = {
    "NEO4J_URI": ("neo4j", "uri"),
    "NEO4J_USERNAME": ("neo4j", "user"),
    "NEO4J_USER": ("neo4j", "user"),
    "NEO4J_PASSWORD": ("neo4j", "password"),
    "NEO4J_DATABASE": ("neo4j", "database"),
}
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-?([^}]*))?\}|\$\{")
_URI = re.compile(r"^(bolt|neo4j)(\+s|\+ssc)?://[^/@\s]+$")

# Keys that are accepted because the documents have them, and why they do nothing.
_WITHOUT_EFFECT: dict[Key, str] = {
    ("neo4j", "memory"): "a client cannot set the memory of a server: set it where the server runs",
    ("faiss", "persistence", "auto_save_interval"): (
        "every write is durable before it is acknowledged, so there is nothing to save later"
    ),
    ("faiss", "persistence", "backup_enabled"): (
        "no backup happens by itself: run 'workbench backup DIR' when one is wanted"
    ),
    ("faiss", "indexes_dir"): (
        "vectors lie inside the store's folder, so that graph and vectors stay one: set 'store'"
    ),
}


class ConfigurationWarning(UserWarning):
    """A key of the configuration is understood and has no effect here."""


class _Block(BaseModel):
    # A value may be a password: pydantic must not quote it in an error.
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class GraphConfig(_Block):
    """Where the graph is kept: in a file of the store's folder, or on the server of ``neo4j``."""

    backend: Literal["sqlite", "neo4j"] = "sqlite"


class Neo4jConnection(_Block):
    """How the driver connects: pool size, timeouts in seconds.

    ``max_transaction_retry_time`` is how long a read is repeated while the server is away,
    ``transaction_timeout`` how long the server works at most on one unit of work.
    """

    max_pool_size: int = Field(50, ge=1, le=10_000)
    connection_timeout: float = Field(30, gt=0)
    max_transaction_retry_time: float = Field(30, ge=0)
    transaction_timeout: float = Field(600, gt=0, le=86_400)


class Neo4jMemory(_Block):
    """Memory of the server; accepted, without effect in a client."""

    heap_initial_size: str | None = None
    heap_max_size: str | None = None
    page_cache_size: str | None = None


class Neo4jConfig(_Block):
    """Where the Neo4j server is and who asks."""

    uri: str = "bolt://localhost:7687"
    user: str = Field("neo4j", validation_alias=AliasChoices("user", "username"))
    password: SecretStr | None = None
    database: str = Field("neo4j", min_length=1)
    connection: Neo4jConnection = Neo4jConnection()
    memory: Neo4jMemory = Neo4jMemory()

    @field_validator("uri")
    @classmethod
    def _uri(cls, value: str) -> str:
        if not _URI.match(value):
            raise ValueError("not of the form bolt://HOST:PORT or neo4j://HOST:PORT (+s, +ssc)")
        return value


class SpaceConfig(_Block):
    """One vector space: its dimension, index and metric; precision and model where they are known.

    Missing ``precision`` leaves the choice to the store; ``dimensions`` is what a new space gets
    that no file has given its dimension yet.
    """

    dimensions: int = Field(ge=1, le=65_536)
    index_type: Literal["IndexFlatIP", "IndexFlatL2"] = "IndexFlatIP"
    metric: Literal["cosine"] = "cosine"
    precision: Literal["float32", "float16", "int8"] | None = None
    model_id: str | None = Field(None, min_length=1, max_length=200)


class FaceConfig(SpaceConfig):
    """The space ``face``: 512 numbers unless told otherwise."""

    dimensions: int = Field(512, ge=1, le=65_536)


class ReidConfig(SpaceConfig):
    """The space ``reid``: 2048 numbers unless told otherwise."""

    dimensions: int = Field(2048, ge=1, le=65_536)


class SearchConfig(_Block):
    """What a search uses that is not told otherwise; no threshold unless one is set."""

    default_k: int = Field(10, ge=1)
    min_similarity: float | None = Field(None, ge=-1, le=1)


class PersistenceConfig(_Block):
    """Accepted, without effect: every write is durable at once."""

    auto_save_interval: float | None = Field(None, ge=0)
    backup_enabled: bool | None = None


class FaissConfig(_Block):
    """The vector spaces and how they are searched."""

    indexes_dir: Path | None = None
    face: FaceConfig = FaceConfig()
    reid: ReidConfig = ReidConfig()
    spaces: dict[str, SpaceConfig] = {}
    search: SearchConfig = SearchConfig()
    persistence: PersistenceConfig = PersistenceConfig()

    @field_validator("spaces")
    @classmethod
    def _names(cls, value: dict[str, SpaceConfig]) -> dict[str, SpaceConfig]:
        for name in value:
            if name in ("face", "reid"):
                raise ValueError(f"{name!r} has a block of its own: faiss.{name}")
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
                raise ValueError(f"{name!r} is no name of a space: letters, digits, _ and - only")
        return value

    def all_spaces(self) -> dict[str, SpaceConfig]:
        """Return every configured space by its name, ``face`` and ``reid`` first."""
        return {"face": self.face, "reid": self.reid, **self.spaces}


class WorkbenchConfig(_Block):
    """Everything that can be configured, checked.

    ``store`` is a folder, relative to where the program runs; ``display_tz`` an IANA time zone for
    pictures and terminal tables; ``writer_wait_s`` how many seconds a writer waits for another.
    """

    store: Path = Path("workbench-store")
    display_tz: str = "UTC"
    writer_wait_s: float = Field(30, ge=0, le=86_400)
    graph: GraphConfig = GraphConfig()
    neo4j: Neo4jConfig = Neo4jConfig()
    faiss: FaissConfig = FaissConfig()

    @field_validator("store", mode="before")
    @classmethod
    def _store(cls, value: Any) -> Any:
        if not isinstance(value, Path) and not (isinstance(value, str) and value):
            raise ValueError("the path of a folder is needed")
        return value

    @field_validator("display_tz")
    @classmethod
    def _zone(cls, value: str) -> str:
        times.zone(value)
        return value


def load_config(
    path: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    file_wins: bool = False,
) -> WorkbenchConfig:
    """Return the configuration of a YAML file (none: the defaults) and the environment over it.

    Parameters
    ----------
    path : path, optional
        A YAML file in UTF-8.
    environ : mapping, optional
        Variables to read in place of those of this process.
    file_wins : bool
        Let a variable count only where the file says nothing: for a second configuration beside
        the one that the variables are meant for.

    Raises
    ------
    NotFoundError
        When there is no such file.
    ConfigurationError
        Naming the key, and the file or variable it came from.

    Warns
    -----
    ConfigurationWarning
        For a key that is understood and has no effect, saying why.

    Examples
    --------
    >>> load_config(environ={"WORKBENCH_WRITER_WAIT_S": "5"}).writer_wait_s
    5.0
    """
    variables = os.environ if environ is None else environ
    tree = {} if path is None else _read(Path(path))
    sources = {key: f"{'.'.join(key)} in {path}" for key in _keys(tree)}
    said = set(sources) if file_wins else set()
    for name, key in _from_environment(variables):
        if key in said:
            continue
        _put(tree, key, _Given(variables[name]), name)
        sources[key] = f"{'.'.join(key)}, from the variable {name}"
    expanded = _expanded(tree, (), variables, sources)
    try:
        config = WorkbenchConfig.model_validate(expanded)
    except PydanticValidationError as error:
        raise _explained(error, sources) from None
    _warn(sources, config)
    return config


# --------------------------------------------------------------------------------------------
# Reading
# --------------------------------------------------------------------------------------------
class _Given(str):
    """Text of the environment: taken letter by letter, ``${`` in it means nothing."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Safe YAML with ``!ENV``, without aliases, each key once."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; an alias is refused, since a few of them make a huge tree."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="aliases are not used here", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Return a mapping; a key given twice is refused."""
        seen: set[str] = set()
        for key, _ in node.value:
            plain = isinstance(key, yaml.ScalarNode)
            if not plain or key.value in seen:
                problem = f"the key {key.value!r} is given twice" if plain else "a key is no text"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _env_tag(loader: yaml.Loader, node: yaml.Node) -> Any:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_constructor("!ENV", _env_tag)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"There is no configuration file {path}.",
            where=str(path),
            next="Give the path of a YAML file, or leave --config out.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, str(path), str(error)) from error
    try:
        tree = yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise _unreadable(path, place, error.problem or "not YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(path), str(error).splitlines()[0]) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise _unreadable(path, str(path), "keys with values are needed, such as 'store: DIR'")
    return tree


def _unreadable(path: Path, place: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"The configuration file {path.name} cannot be read: {problem}.",
        where=place,
        next="Correct the file: docs/reference/configuration.md shows every key.",
    )


def _from_environment(variables: Mapping[str, str]) -> Iterator[tuple[str, Key]]:
    """Return each variable that means a key; those of WORKBENCH_ come last and win."""
    for name, key in _DOCUMENT_NAMES.items():
        if variables.get(name):
            yield name, key
    own = set(WorkbenchConfig.model_fields)
    for name in sorted(variables):
        key = tuple(name.removeprefix(_PREFIX).lower().split("__"))
        # Other programs may have variables of this prefix: only those that name a block are ours.
        if name.startswith(_PREFIX) and variables[name] and key[0] in own:
            yield name, key


def _put(tree: dict[str, Any], key: Key, value: str, name: str) -> None:
    here = tree
    for part in key[:-1]:
        inner = here.get(part)
        here[part] = inner = dict(inner) if isinstance(inner, dict) else {}
        here = inner
    if isinstance(here.get(key[-1]), dict) or key in (("graph",), ("neo4j",), ("faiss",)):
        raise ConfigurationError(
            f"The variable {name} means a block of keys, not a value.",
            where=f"{'.'.join(key)}, from the variable {name}",
            next=f"Name a key inside it, for example {_PREFIX}FAISS__FACE__DIMENSIONS.",
        )
    here[key[-1]] = value


def _keys(tree: Any, above: Key = ()) -> Iterator[Key]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield (*above, str(name))
            yield from _keys(value, (*above, str(name)))


def _expanded(tree: Any, key: Key, variables: Mapping[str, str], sources: dict[Key, str]) -> Any:
    if isinstance(tree, dict):
        return {
            str(name): _expanded(value, (*key, str(name)), variables, sources)
            for name, value in tree.items()
        }
    if isinstance(tree, str) and not isinstance(tree, _Given):
        return _VARIABLE.sub(lambda found: _value(found, key, variables, sources), tree)
    return str(tree) if isinstance(tree, _Given) else tree


def _value(
    found: re.Match[str], key: Key, variables: Mapping[str, str], sources: dict[Key, str]
) -> str:
    name, default = found.group(1), found.group(2)
    if found.group() == "$${":
        return "${"
    if name is None:
        raise ConfigurationError(
            f"{'.'.join(key)} holds '${{' without the name of a variable and '}}'.",
            where=sources.get(key),
            next="Write ${NAME} or ${NAME:-text}; $${ stands for the characters themselves.",
        )
    if variables.get(name) or (name in variables and default is None):
        return variables[name]
    if default is None:
        raise ConfigurationError(
            f"{'.'.join(key)} needs the variable {name}, which is not set.",
            where=sources.get(key),
            next=f"Set it (export {name}=...), or give a default: ${{{name}:-text}}.",
        )
    return default


# --------------------------------------------------------------------------------------------
# Explaining
# --------------------------------------------------------------------------------------------
def _explained(error: PydanticValidationError, sources: dict[Key, str]) -> ConfigurationError:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    # A key that does not exist explains why another one is missing, so it is named first.
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    key = tuple(str(part) for part in first["loc"])
    name = ".".join(key)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    where = sources.get(key) or next(
        (sources[key[:n]] for n in range(len(key), 0, -1) if key[:n] in sources), name
    )
    known = _known_at(key[:-1])
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key[-1], known, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        return ConfigurationError(
            f"There is no key {name}{more}.",
            where=where,
            next=f"{hint}Keys there: {', '.join(known)}.",
        )
    said = first["msg"].removeprefix("Value error, ").splitlines()[0].rstrip(".")
    return ConfigurationError(
        f"{name} cannot be used: {said[:1].lower()}{said[1:]}{more}.",
        where=where,
        next="Correct it: docs/reference/configuration.md shows every key.",
    )


def _known_at(key: Key) -> list[str]:
    """Return the keys that a block has."""
    block: Any = WorkbenchConfig
    for part in key:
        if block is FaissConfig and part == "spaces":
            return ["dimensions", "index_type", "metric", "precision", "model_id"]
        field = block.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return []
        block = field.annotation
    return list(getattr(block, "model_fields", ()))


def _warn(sources: dict[Key, str], config: WorkbenchConfig) -> None:
    why_not = dict(_WITHOUT_EFFECT)
    # A block of the file, not a variable that another program may need.
    if ("neo4j",) in sources and "backend" not in config.graph.model_fields_set:
        why_not[("neo4j",)] = (
            "a new store keeps its graph in SQLite, inside its folder, unless graph.backend says "
            "neo4j"
        )
    for key, why in why_not.items():
        if key in sources:
            warnings.warn(
                f"{'.'.join(key)} has no effect: {why} ({sources[key]}).",
                ConfigurationWarning,
                stacklevel=3,
            )
