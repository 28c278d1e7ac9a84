"""Thousands of payloads, with kills of the command and of processes that compute for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ensemble.conftest import rows_of
from tests.ensemble.killing import KILLED, computed_with_kills

NUMBER = 2_000
COMMAND, WORKER = (250, 900, 1700), (100, 400, 401, 1200, 1999)


@pytest.mark.parametrize("target", ["serial", "processes:2", "dask://local", "ray://local"])
def test_each_payload_has_its_row_after_kills(
    tesseract: Callable[..., Path], tmp_path: Path, target: str
) -> None:
    """Three kills of the command and five of processes cost no row, and add none."""
    payloads = [{"inputs": {"n": n, "marks": str(tmp_path)}} for n in range(NUMBER)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, payloads)))
    arguments = ("--executor", target, "map", "apply", "in.jsonl", "-o", "o.jsonl")
    worker = () if target == "serial" else WORKER
    path = tesseract(KILLED)
    starts = computed_with_kills(tmp_path, path, *arguments, command=COMMAND, worker=worker)
    assert starts == len(COMMAND) + 1
    rows = rows_of(tmp_path / "o.jsonl")
    assert [row["index"] for row in rows] == [*range(NUMBER)]
    assert {row["status"] for row in rows} == {"finished"}
    assert [row["outputs"]["y"]["data"]["buffer"] for row in rows] == [
        [n, n / 3] for n in range(NUMBER)
    ]
    assert not list(tmp_path.glob("worker-*"))
