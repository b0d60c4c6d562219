"""The points of a space from a store: which vectors, whose, and what they are held against."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import workbench
from workbench import schema
from workbench.errors import InvalidInputError, NotFoundError


def test_every_appearance_with_a_vector_is_a_point(bench: workbench.Workbench) -> None:
    found = bench.similarity.projection("face")
    rows = found.to_frame()
    assert rows.columns.tolist() == [*schema.SIGHTING.names, "x", "y"]
    named = bench.manager.graph.vectors_of("face")
    assert sorted(rows["id"]) == sorted(named["appearance_id"])
    assert found.total == len(rows) and found.model_id == "by hand"
    assert np.isfinite(rows[["x", "y"]].to_numpy()).all()
    assert 0 < sum(found.kept or ()) <= 1 + 1e-9


def test_places_belong_to_their_appearances(bench: workbench.Workbench) -> None:
    """Distances of PCA's places are those of the vectors where two axes keep nearly everything."""
    rows = bench.similarity.projection("face").to_frame()
    vids = bench.manager.graph.vectors_of("face").set_index("appearance_id")["vid"]
    vectors = bench.manager.vector.get("face", vids[rows["id"]].to_numpy("int64"))
    centred = vectors.astype("float64") - vectors.mean(axis=0, dtype="float64")
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    expected = np.abs(centred @ axes.T)
    np.testing.assert_allclose(np.abs(rows[["x", "y"]].to_numpy()), expected, atol=1e-5)


def test_it_is_the_same_every_time(bench: workbench.Workbench) -> None:
    one, two = (bench.similarity.projection("reid", seed=3) for _ in range(2))
    assert one.to_frame().equals(two.to_frame())
    assert (one.random.cosines == two.random.cosines).all()
    assert one.plot().to_json() == two.plot().to_json()


def test_random_pairs_leave_out_those_of_one_track(bench: workbench.Workbench) -> None:
    found = bench.similarity.projection("face")
    rows = found.to_frame()
    track = rows["camera_id"].astype("str") + "/" + rows["tracking_id"].astype("str")
    track = track.where(rows["tracking_id"].notna(), rows["id"])
    n, same = len(rows), track.value_counts()
    assert found.random.every
    assert len(found.random.cosines) == n * (n - 1) // 2 - int((same * (same - 1) // 2).sum())


def test_a_filter_chooses_the_points(bench: workbench.Workbench) -> None:
    every = bench.similarity.projection("face")
    camera = every.to_frame()["camera_id"].iloc[0]
    some = bench.similarity.projection("face", camera=camera)
    assert set(some.to_frame()["camera_id"]) == {camera}
    assert (some.total, len(some.points) < some.total) == (every.total, True)
    none = bench.similarity.projection("face", end="2000-01-01T00:00Z")
    assert none.to_frame().empty and len(none.plot().data) == 0


def test_what_is_not_there_is_named(bench: workbench.Workbench) -> None:
    with pytest.raises(NotFoundError, match="no vector space 'gait'"):
        bench.similarity.projection("gait")
    with pytest.raises(NotFoundError, match="camera or place 'nowhere'"):
        bench.similarity.projection("face", camera="nowhere")
    with pytest.raises(InvalidInputError, match="no projection 'tsne'"):
        bench.similarity.projection("face", method="tsne")  # type: ignore[arg-type]


def test_it_says_what_it_is_in_a_line(bench: workbench.Workbench) -> None:
    found = bench.similarity.projection("face")
    n = found.total
    said = found._repr_mimebundle_()["text/plain"]
    assert said.startswith(f"{n} of {n} vectors of face: pca, ") and said.endswith("variance")


def test_the_explorer_asks_this_store(bench: workbench.Workbench) -> None:
    pytest.importorskip("ipywidgets", reason="the extra lab is not installed")
    shown = bench.similarity.explore("face", k=3)
    rows = bench.similarity.projection("face").to_frame()
    one = rows["id"].iloc[0]
    shown.ask(one)
    nearest = bench.similarity.like(appearance=one, space="face", k=3).to_frame()
    said = shown._near.value
    for cosine in nearest["similarity"]:
        assert f"cosine <b>{cosine:.3f}</b>" in said
    assert shown.clicked["id"].tolist() == [one]
    who = rows["identity_id"].dropna().iloc[0]
    shown.ask(who)
    hers = bench.similarity.like(identity=who, space="face", k=3).to_frame()["similarity"]
    assert f"cosine <b>{hers.iloc[0]:.3f}</b>" in shown._near.value
    shown.ask("P2")
    assert "no appearance or identity &#39;P2&#39;" in shown._near.value
    assert "Did you mean &#39;p2&#39;" in shown._near.value
    shown.ask("nothing is called like this at all")
    assert "no appearance or identity" in shown._near.value


def test_without_widgets_the_line_that_installs_them_is_said() -> None:
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "from workbench import views\nfrom workbench.errors import MissingExtraError\n"
        "try:\n    views.SimilarityExplorer\n"
        "except MissingExtraError as error:\n    print(error.next)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'identity-workbench[lab]'" in done.stdout, done.stderr
