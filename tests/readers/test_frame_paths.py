"""A path in a file leads to a picture below the folder the user named, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.errors import InvalidInputError
from workbench.readers import LoadOptions
from workbench.readers.frame_paths import picture_path, why_not


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder of pictures with links in it and something secret beside it."""
    (tmp_path / "crops" / "a").mkdir(parents=True)
    (tmp_path / "crops" / "a" / "x.jpg").write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"s")
    os.symlink(tmp_path / "secret.jpg", tmp_path / "crops" / "out.jpg")
    os.symlink(tmp_path, tmp_path / "crops" / "up")
    os.symlink("a/x.jpg", tmp_path / "crops" / "in.jpg")
    os.symlink("loop.jpg", tmp_path / "crops" / "loop.jpg")
    os.mkfifo(tmp_path / "crops" / "pipe.jpg")
    return (tmp_path / "crops").resolve()


@pytest.mark.parametrize("path", ["a/x.jpg", "in.jpg", "./a//x.jpg"])
def test_what_lies_below_is_found(root, path):
    assert why_not(root, path) is None and picture_path(root, path).read_bytes() == b"x"


@pytest.mark.parametrize("path", ["none.jpg", "", "a", "pipe.jpg"])
def test_what_is_no_file_is_no_bad_path(root, path):
    assert why_not(root, path) is None and picture_path(root, path) is None


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg",
        "a/../../secret.jpg",
        "..",
        "..\\secret.jpg",
        "/etc/passwd",
        "\\\\host\\share",
        "C:\\x.jpg",
        "c:x.jpg",
        "file:///etc/passwd",
        "http://example.org/x.jpg",
        "~/x.jpg",
        "out.jpg",
        "up/secret.jpg",
        "a\0b",
        "x" * 5000,
    ],
)
def test_what_leads_out_is_refused(root, path):
    assert why_not(root, path) and picture_path(root, path) is None


def test_a_link_put_there_later_is_not_followed(root):
    assert why_not(root, "a/late.jpg") is None
    os.symlink(root.parent / "secret.jpg", root / "a" / "late.jpg")
    assert picture_path(root, "a/late.jpg") is None


def test_rows_that_lead_out_are_bad_rows(root, load):
    rows = "".join(f"2026-01-01T00:00Z,c,{path}\n" for path in ("a/x.jpg", "out.jpg", "../x", ""))
    content = "timestamp,camera_id,frame_path\n" + rows
    batch = load(content, frames_root=root)
    assert batch.rejects["line"].tolist() == [3, 4] and len(batch.rows) == 2
    assert len(load(content).rows) == 4, "without a root a path is text and is never opened"


@pytest.mark.parametrize("given", ["nowhere", "a.txt", "x\0y"])
def test_a_root_that_is_no_folder(tmp_path, given):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InvalidInputError, match="no folder"):
        LoadOptions(frames_root=str(tmp_path / given))


def test_the_root_decides_nothing_about_what_rows_mean(root):
    assert LoadOptions(frames_root=root).meaning() == LoadOptions().meaning()
    assert "space" not in LoadOptions().meaning() and LoadOptions(space="b").meaning()["space"]
