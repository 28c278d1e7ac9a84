"""The batch script of Slurm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY, clean_environment
from tests.patience import SECONDS
from tests.recipes.recipe import INPUTS, MODEL, recipe


def test_task_of_an_array_computes_its_cases_once(tmp_path: Path) -> None:
    """A task writes a row for each of its payloads, and none again when it is queued again."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/venv").symlink_to(sys.prefix)
    (tmp_path / "model/tesseract_api.py").symlink_to(MODEL / "tesseract_api.py")
    payloads = [json.dumps({"inputs": INPUTS | {"s": s}}) for s in range(20)]
    (tmp_path / "cases.jsonl").write_text("".join(f"{payload}\n" for payload in payloads))
    page = Path(REPOSITORY, "docs", "production.md").read_text(encoding="utf-8")
    [split] = re.findall("^mkdir cases\nsplit .*", page, re.MULTILINE)
    variables = {
        "HOME": str(tmp_path),
        "SLURM_ARRAY_TASK_ID": "7",
        "SLURM_CPUS_PER_TASK": "1",
    }
    for script in (split, recipe("model.sbatch"), recipe("model.sbatch")):
        subprocess.run(
            ["bash", "-c", script],
            env=clean_environment() | variables,
            cwd=tmp_path,
            check=True,
            timeout=SECONDS,
        )
    rows = [*map(json.loads, (tmp_path / "results/7.jsonl").read_text().splitlines())]
    assert [(row["index"], row["status"]) for row in rows] == [(0, "finished"), (1, "finished")]
