"""Pictures of appearances, and what a similarity answer shows beside its numbers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import workbench
from workbench.errors import NotFoundError

DRAWN = (
    "silhouette:v1;top=b8322f;cut=shirt;legs=2a3550;wear=trousers;hair=1d1a19;style=short;"
    "skin=e8bd9c;build=50;bag=none;trim=6b4630;scene=e4e0d6;stride=40;facing=0;hidden=0;blur=0"
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[workbench.Workbench]:
    """Return a store of six appearances: one drawn, one with a file that is there, and bad ones."""
    folder = tmp_path_factory.mktemp("crops")
    there = folder / "there.png"
    Image.new("RGB", (4, 8), "red").save(there)
    paths = [DRAWN, str(there), None, "silhouette:v1;top=<script>", "file:///etc/passwd", DRAWN]
    with workbench.open(folder / "store", create=True) as bench:
        bench.cameras.add(pd.DataFrame({"id": ["c1"], "name": ["Lobby"]}))
        bench.identities.create(id="p1", name="Ada")
        bench.appearances.add(
            pd.DataFrame(
                {
                    "id": [f"a{i}" for i in range(6)],
                    "timestamp": pd.date_range("2026-01-12T08:00Z", periods=6, freq="s"),
                    "camera_id": "c1",
                    "identity_id": pd.Series(["p1"] + [None] * 5, dtype="str"),
                    "frame_path": pd.Series(paths, dtype="str"),
                }
            ),
            face=np.eye(6, 512, dtype="float32") + 0.5,
        )
        yield bench


@pytest.mark.parametrize("one", ["a0", "a5"])
def test_a_drawing_is_drawn(drawn: workbench.Workbench, one: str) -> None:
    picture = drawn.appearances.crop(one)
    assert picture is not None
    assert Image.open(io.BytesIO(picture)).size == (80, 160)


@pytest.mark.parametrize("one", ["a1", "a2", "a3", "a4"])
def test_no_path_is_opened_and_no_bad_text_drawn(drawn: workbench.Workbench, one: str) -> None:
    assert drawn.appearances.crop(one) is None


def test_who_is_not_there_has_no_crop(drawn: workbench.Workbench) -> None:
    with pytest.raises(NotFoundError):
        drawn.appearances.crop("nobody")


def test_an_answer_shows_crops_and_names_after_the_store_is_closed(
    drawn: workbench.Workbench,
) -> None:
    with workbench.open(drawn.manager.folder) as other:
        found = other.similarity.like(appearance="a5", k=3)
    figure = found.plot(theme="dark")
    assert len(figure.layout.images) == 2  # the query and a0
    texts = [note.text for note in figure.layout.annotations]
    assert any("<b>Ada</b>" in text for text in texts)
    assert "Lobby" in texts
    assert "silhouette" not in repr(found)


def test_jupyter_gets_the_picture_and_a_line(drawn: workbench.Workbench) -> None:
    bundle = drawn.similarity.like(appearance="a5", k=3)._repr_mimebundle_()
    assert bundle["application/vnd.plotly.v1+json"]["layout"]["images"]
    assert bundle["text/plain"].startswith("3 neighbours in face: exact")


def test_a_vector_as_query_has_no_picture_of_its_own(drawn: workbench.Workbench) -> None:
    found = drawn.similarity.like(vector=np.ones(512, dtype="float32"), k=6)
    assert len(found.plot().layout.images) == 2  # a0 and a5


def test_a_vector_called_like_an_appearance_is_not_shown_as_that(
    drawn: workbench.Workbench,
) -> None:
    query = np.ones((1, 512), dtype="float32")
    found = drawn.similarity.like(vector=query, names=["a0"], k=6)
    assert len(found.plot().layout.images) == 2


def test_an_answer_shows_files_below_the_folder_of_their_load(tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    crops.mkdir()
    names = [f"{n:04d}_c1s1_{n:06d}_00.jpg" for n in (1, 2, 3)]
    for name in names:
        Image.new("RGB", (40, 80), "red").save(crops / name)
    np.save(tmp_path / "reid.npy", np.eye(3, 8, dtype="float32") + 0.5)
    workbench.ingest(
        tmp_path / "store", crops, format="reid", fps=25, start_time="2026-01-12T08:00:00Z",
        reid=tmp_path / "reid.npy", quiet=True,
    )  # fmt: skip
    with workbench.open(tmp_path / "store") as bench:
        one = bench.appearances.find()["id"].iloc[0]
        found = bench.similarity.like(appearance=one, space="reid", k=2)
    assert len(found.plot().layout.images) == 3  # the query and both hits
