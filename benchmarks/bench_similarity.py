"""Similarity search against bare FAISS, filters, recall of the precisions, opening, bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
from measure import Report, folder, side_by_side, small, times_of
from synthetic import FACE, REID, SEED, Crowd

import workbench
from workbench.storage.folder import bytes_of

K = 10
_OPENING = """
import sys, time
import workbench.session
began = time.perf_counter()
bench = workbench.session.open(sys.argv[1])
opened = time.perf_counter()
import numpy
query = numpy.random.default_rng(0).standard_normal(int(sys.argv[2]))
bench.manager.find_similar_faces(query, k=10)
print(opened - began, time.perf_counter() - opened)
"""


def built(path: Path, crowd: Crowd) -> tuple[workbench.Workbench, dict[str, faiss.Index]]:
    """Return the store and a float32 Flat index of each space, rows in order of writing."""
    bench = workbench.open(path, create=True)
    bench.cameras.add(crowd.cameras)
    bench.manager.create_identities(crowd.identities)
    flat = {"face": faiss.IndexFlatIP(FACE), "reid": faiss.IndexFlatIP(REID)}
    for block in crowd.blocks():
        bench.appearances.add(block.frame, face=block.face, reid=block.reid)
        for space, rows in (("face", block.face), ("reid", block.reid)):
            assert rows is not None
            flat[space].add(_unit(rows))
    bench.manager.graph.checkpoint()
    return bench, flat


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype("float32")


def quantised(flat: faiss.IndexFlatIP, kind: int) -> faiss.Index:
    """Return the bare scalar-quantised index of the same rows."""
    index = faiss.IndexScalarQuantizer(flat.d, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(flat.reconstruct_n(0, min(10_000, flat.ntotal)))
    for first in range(0, flat.ntotal, 10_000):
        index.add(flat.reconstruct_n(first, min(10_000, flat.ntotal - first)))
    return index


def speed(
    report: Report, bench: workbench.Workbench, flat: faiss.IndexFlatIP, crowd: Crowd, runs: int
) -> None:
    """Time single queries against the bare index, in turns, one OpenMP thread."""
    queries = crowd.queries("face", runs)
    unit = _unit(queries)
    vector, rows = bench.manager.vector, flat.ntotal
    bare = quantised(flat, faiss.ScalarQuantizer.QT_fp16)
    faiss.omp_set_num_threads(1)
    asked = {
        "exact top-10, HybridStorageManager.find_similar_faces": (
            lambda n: bench.manager.find_similar_faces(queries[n], k=K),
            bare,
            1.3,
        ),
        "exact top-10, vector.search": (
            lambda n: vector.search("face", queries[n], k=K),
            bare,
            1.3,
        ),
        "the same against float32 Flat": (
            lambda n: vector.search("face", queries[n], k=K),
            flat,
            None,
        ),
        "bench.similarity.like, with cameras, times, identities": (
            lambda n: bench.similarity.like(vector=queries[n], k=K),
            bare,
            None,
        ),
    }
    for what, (ours, index, within) in asked.items():
        took = side_by_side(ours, lambda n, i=index: i.search(unit[n : n + 1], K), runs)
        report.duration(what, rows, took[0], bare=took[1], within=within)
    vids = vector.vids("face")
    for share in (0.001, 0.01, 0.1):
        chosen = np.random.default_rng(SEED).choice(vids, int(len(vids) * share), replace=False)
        report.duration(
            f"filtered to {share:.1%} of the rows, vector.search within=",
            rows,
            times_of(lambda n, w=chosen: vector.search("face", queries[n], k=K, within=w), runs),
        )


def speed_of_bodies(
    report: Report, bench: workbench.Workbench, flat: faiss.IndexFlatIP, crowd: Crowd, runs: int
) -> None:
    """Time single queries by body against a bare index of bytes, in turns."""
    bodies = crowd.queries("reid", runs)
    unit = _unit(bodies)
    bare = quantised(flat, faiss.ScalarQuantizer.QT_8bit)
    faiss.omp_set_num_threads(1)
    took = side_by_side(
        lambda n: bench.manager.vector.search("reid", bodies[n], k=K),
        lambda n: bare.search(unit[n : n + 1], K),
        runs,
    )
    what = f"exact top-10 by body ({REID}, int8), vector.search; bare: bytes, not exact"
    report.duration(what, flat.ntotal, took[0], bare=took[1])


def recall(
    report: Report, bench: workbench.Workbench, flat: dict[str, faiss.Index], crowd: Crowd, n: int
) -> None:
    """Count how many of the ten nearest in float32 the stored precision finds among its ten."""
    for space, precision in (("face", "float16"), ("reid", "int8")):
        queries = crowd.queries(space, n)
        _, wanted = flat[space].search(_unit(queries), K)
        hits = bench.manager.vector.hits(space, queries, k=K)
        position = np.searchsorted(bench.manager.vector.vids(space), hits.vid)
        found = [
            len(set(position[hits.query == q][:K]) & set(wanted[q].tolist())) for q in range(n)
        ]
        report.fact(
            f"recall@10 that {precision} keeps of float32 ({space})",
            n,
            f"{np.mean(found) / K:.4f}",
        )


def opening(report: Report, path: Path, rows: int, runs: int) -> None:
    """Time opening in a fresh process, and the first search after it, which makes the index."""
    command = [sys.executable, "-c", _OPENING, str(path), str(FACE)]
    took = np.array(
        [
            [
                float(part)
                for part in subprocess.run(
                    command, capture_output=True, check=True, text=True
                ).stdout.split()
            ]
            for _ in range(runs)
        ]
    )
    report.duration("opening the store, fresh process", rows, took[:, 0], below=1.0)
    report.duration("the first search after it", rows, took[:, 1])


def main() -> int:
    """Return 0 if the targets are met."""
    little = small(__doc__)
    rows, people, runs = (3_000, 150, 8) if little else (100_000, 5_000, 200)
    report = Report("Similarity", judged=not little)
    crowd = Crowd(rows, people, face=FACE, reid=REID)
    with folder() as root:
        bench, flat = built(root / "store", crowd)
        size = bytes_of(root / "store")["total"] / rows
        report.fact(
            "stored bytes an appearance, face + reid",
            rows,
            f"{size:,.0f} B",
            target="< 4,096 B",
            good=size < 4096,
        )
        recall(report, bench, flat, crowd, 32 if little else 500)
        speed(report, bench, flat["face"], crowd, runs)
        speed_of_bodies(report, bench, flat["reid"], crowd, runs // 4)
        bench.close()
        opening(report, root / "store", rows, 2 if little else 5)
    return report.print(seed=SEED)


if __name__ == "__main__":
    raise SystemExit(main())
