"""The configuration: what a file and the environment say, and what is said of mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.config import ConfigurationWarning, WorkbenchConfig, load_config
from workbench.errors import ConfigurationError, NotFoundError

DOCUMENT = """
neo4j:
  uri: "bolt://localhost:7687"
  user: "neo4j"
  password: "${NEO4J_PASSWORD}"
  database: "neo4j"
  connection:
    max_pool_size: 50
    connection_timeout: 30
    max_transaction_retry_time: 30
  memory:
    heap_initial_size: "1G"
    heap_max_size: "2G"
    page_cache_size: "512M"
faiss:
  indexes_dir: "./data/indexes"
  face:
    dimensions: 512
    index_type: "IndexFlatIP"
    metric: "cosine"
  reid:
    dimensions: 2048
    index_type: "IndexFlatIP"
    metric: "cosine"
  search:
    default_k: 10
    min_similarity: 0.6
  persistence:
    auto_save_interval: 300  # seconds
    backup_enabled: true
"""

Load = Callable[..., WorkbenchConfig]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def from_text(text: str, **environ: str) -> WorkbenchConfig:
        path = tmp_path / "bench.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, environ)

    return from_text


def test_defaults_need_no_file() -> None:
    config = load_config(environ={})
    assert config.store == Path("workbench-store")
    assert (config.display_tz, config.writer_wait_s) == ("UTC", 30)
    assert {n: s.dimensions for n, s in config.faiss.all_spaces().items()} == {
        "face": 512,
        "reid": 2048,
    }
    assert config.faiss.search.min_similarity is None


def test_the_yaml_of_the_requirement_document(load: Load) -> None:
    with pytest.warns(ConfigurationWarning) as said:
        config = load(DOCUMENT, NEO4J_PASSWORD="hush")
    assert config.neo4j.password is not None
    assert config.neo4j.password.get_secret_value() == "hush"
    assert config.neo4j.connection.max_pool_size == 50
    assert config.faiss.search.min_similarity == 0.6
    texts = [str(warning.message) for warning in said]
    for key in (
        "neo4j has",
        "neo4j.memory",
        "faiss.indexes_dir",
        "faiss.persistence.auto_save_interval",
        "faiss.persistence.backup_enabled",
    ):
        assert any(text.startswith(key) and "has no effect: " in text for text in texts), key
    assert len(texts) == 5


def test_environment_wins_over_the_file(load: Load) -> None:
    config = load(
        "store: from-file\nfaiss: {face: {dimensions: 4, index_type: IndexFlatL2}}",
        WORKBENCH_STORE="from-environment",
        WORKBENCH_FAISS__FACE__DIMENSIONS="128",
        WORKBENCH_FAISS__SPACES__GAIT__DIMENSIONS="7",
        WORKBENCH_REQUIRE="all",
        NEO4J_PASSWORD="plain",
        WORKBENCH_NEO4J__PASSWORD="p${not a variable}",
    )
    assert config.store == Path("from-environment")
    assert config.faiss.face.dimensions == 128
    assert config.faiss.face.index_type == "IndexFlatL2"
    assert config.faiss.all_spaces()["gait"].dimensions == 7
    assert config.neo4j.password is not None
    assert config.neo4j.password.get_secret_value() == "p${not a variable}"


@pytest.mark.parametrize(
    ("text", "environ", "store"),
    [
        ("store: ${HERE}/site", {"HERE": "/data"}, "/data/site"),
        ("store: here${HERE}", {"HERE": ""}, "here"),
        ("store: ${HERE:-other}", {}, "other"),
        ("store: ${HERE:-other}", {"HERE": ""}, "other"),
        ("store: !ENV ${HERE:other}", {}, "other"),
        ("store: 'a$${b}$c'", {}, "a${b}$c"),
    ],
)
def test_variables_in_values(load: Load, text: str, environ: dict[str, str], store: str) -> None:
    assert load(text, **environ).store == Path(store)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("neo4j: {password: '${SECRET}'}", ["neo4j.password", "SECRET", "not set"]),
        ("store: 'a${'", ["store", "${"]),
        ("faiss: {face: {dimension: 4}}", ["no key faiss.face.dimension", "'dimensions'"]),
        ("faiss: {face: {dimensions: 0}}", ["faiss.face.dimensions", "greater than or equal to 1"]),
        ("faiss: {face: {index_type: IVF}}", ["faiss.face.index_type", "'IndexFlatL2'"]),
        ("faiss: {reid: {metric: dot}}", ["faiss.reid.metric", "'cosine'"]),
        ("faiss: {spaces: {gait: {}}}", ["faiss.spaces.gait.dimensions", "required"]),
        ("faiss: {spaces: {face: {dimensions: 3}}}", ["faiss.spaces", "faiss.face"]),
        ("faiss: {spaces: {'../x': {dimensions: 3}}}", ["faiss.spaces", "no name of a space"]),
        ("display_tz: Mars/Base", ["display_tz", "Mars/Base"]),
        ("writer_wait_s: .inf", ["writer_wait_s", "finite"]),
        ("store: ''", ["store", "folder"]),
        ("storage: x", ["no key storage", "'store'"]),
        ("neo4j: {uri: 'http://somebody:hush@host'}", ["neo4j.uri", "bolt://"]),
        ("neo4j: {password: [hush]}", ["neo4j.password"]),
        ("store: a\nstore: b", ["'store' is given twice", "line 2, column 1"]),
        ("? [a, b]\n: 1", ["a key is no text"]),
        ("a: &x [1]\nb: *x", ["aliases", "line 2"]),
        ("store: !!python/object/apply:os.getcwd []", ["constructor", "line 1"]),
        ("- store", ["keys with values"]),
        ("store: [", ["line 1"]),
        ('store: "\\x00\x01"', ["bench.yaml"]),
    ],
)
def test_a_wrong_file_is_refused_by_key(load: Load, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert "hush" not in said
    assert caught.value.where and caught.value.next
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WORKBENCH_FAISS", "3", ["WORKBENCH_FAISS", "block"]),
        (
            "WORKBENCH_FAISS__FACE__DIMS",
            "3",
            ["no key faiss.face.dims", "FACE__DIMS"],
        ),
        ("WORKBENCH_WRITER_WAIT_S", "soon", ["writer_wait_s", "WORKBENCH_WRITER_WAIT_S"]),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(environ={name: value})
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_names_of_the_documents_are_read() -> None:
    environ = {
        "NEO4J_URI": "neo4j+s://graph.example:7687",
        "NEO4J_USERNAME": "ann",
        "NEO4J_PASSWORD": "hush",
        "NEO4J_DATABASE": "people",
    }
    neo4j = load_config(environ=environ).neo4j
    assert (neo4j.uri, neo4j.user, neo4j.database) == (
        "neo4j+s://graph.example:7687",
        "ann",
        "people",
    )
    assert neo4j.password is not None
    assert neo4j.password.get_secret_value() == "hush"


def test_a_password_is_never_shown() -> None:
    config = load_config(environ={"NEO4J_PASSWORD": "hush"})
    assert "hush" not in repr(config) + str(config) + str(config.model_dump())
    with pytest.raises(ValueError, match="password") as caught:
        WorkbenchConfig.model_validate({"neo4j": {"password": ["hush"]}})
    assert "hush" not in str(caught.value)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no configuration file"):
        load_config(tmp_path / "none.yaml", {})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_bytes(b"\xff\xfe\x00store")
    with pytest.raises(ConfigurationError, match=r"bench\.yaml cannot be read"):
        load_config(path, {})


def test_an_empty_file_is_the_defaults(load: Load) -> None:
    assert load("") == load_config(environ={})


def test_keys_with_effect_do_not_warn(load: Load) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("store: x\nfaiss: {search: {default_k: 5}}", NEO4J_PASSWORD="hush")


@pytest.mark.parametrize("backend", ["sqlite", "neo4j"])
def test_a_server_is_said_without_a_warning_where_the_graph_is_said(
    load: Load, backend: str
) -> None:
    block = "neo4j: {uri: 'bolt://graph:7687', connection: {transaction_timeout: 5}}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        in_file = load(f"graph: {{backend: {backend}}}\n{block}")
        in_variable = load(block, WORKBENCH_GRAPH__BACKEND=backend)
    assert in_file == in_variable
    assert (in_file.graph.backend, in_file.neo4j.uri) == (backend, "bolt://graph:7687")
    assert in_file.neo4j.connection.transaction_timeout == 5


def test_a_server_that_no_new_store_uses_is_said(load: Load) -> None:
    with pytest.warns(ConfigurationWarning, match=r"neo4j has no effect: .*graph\.backend"):
        config = load("neo4j: {uri: 'bolt://graph:7687'}")
    assert config.graph.backend == "sqlite"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("graph: {backend: memory}", "graph.backend"),
        ("graph: neo4j", "graph"),
        ("graph: {backend: sqlite, path: x}", "graph.path"),
        ("neo4j: {connection: {max_pool_size: 0}}", "neo4j.connection.max_pool_size"),
        ("neo4j: {connection: {connection_timeout: 0}}", "neo4j.connection.connection_timeout"),
        ("neo4j: {connection: {transaction_timeout: .inf}}", "transaction_timeout"),
        ("neo4j: {connection: {transaction_timeout: 90000}}", "transaction_timeout"),
        ("neo4j: {database: ''}", "neo4j.database"),
    ],
)
def test_a_server_that_cannot_be_is_refused_by_key(load: Load, text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert key in str(caught.value)


def test_the_reference_shows_every_key_and_its_default(repository: Path, load: Load) -> None:
    page = (repository / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    shown = re.search(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert shown
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        config = load(shown[1], NEO4J_PASSWORD="hush")
    default = WorkbenchConfig()
    assert config.neo4j == default.neo4j.model_copy(update={"password": config.neo4j.password})
    assert config.neo4j.password is not None
    assert config.neo4j.password.get_secret_value() == "hush"
    assert (config.store, config.graph) == (default.store, default.graph)
    said = config.model_dump(exclude_unset=True)
    assert set(said) == set(WorkbenchConfig.model_fields)
    assert set(said["neo4j"]) | {"memory"} == set(type(default.neo4j).model_fields)
    connection = default.neo4j.connection
    assert set(said["neo4j"]["connection"]) == set(type(connection).model_fields)


def test_nothing_is_read_at_import() -> None:
    code = (
        "import os, builtins\n"
        "os.environ['WORKBENCH_WRITER_WAIT_S'] = 'soon'\n"
        "import workbench.config\n"
        "del os.environ['WORKBENCH_WRITER_WAIT_S']\n"
        "print(workbench.config.load_config().writer_wait_s)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "30"
