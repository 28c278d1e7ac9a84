"""The example plugins pass their own tests, and are used in every way when they are installed."""

from __future__ import annotations

import ast
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import DOUBLE, REPOSITORY, clean_environment
from tests.patience import SECONDS, wait_until
from tests.server.conftest import serving

EXAMPLES = REPOSITORY / "docs" / "examples" / "plugins"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))

LOGGING = DOUBLE.replace(
    "    return",
    "    from runtime_core.run_logs import log_metric\n    log_metric('n', 3)\n    return",
)

CLIENT = """
import sys
from tesseract_runtime_client import Tesseract
with Tesseract.from_url(sys.argv[1], encoding="safetensors") as tesseract:
    print(tesseract.apply(x=[1.5])["y"])
    print(tesseract.jacobian_vector_product({"x": [1.5]}, ["x"], ["y"], {"x": [2.0]})["y"])
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with all example plugins, built and installed in a folder."""
    site = tmp_path_factory.mktemp("site")
    folders = [str(EXAMPLES / name) for name in NAMES]
    install = ["uv", "pip", "install", "-q", "--python", sys.executable, "--no-deps"]
    subprocess.run([*install, "--target", str(site), *folders], check=True, timeout=SECONDS)
    return {**clean_environment(), "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY)])}


def ran(environment: dict[str, str], *arguments: str, cwd: Path) -> str:
    """Return the output of a program in this Python, which must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_example_passes_its_own_tests(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    """Conformance suites among them."""
    options = ("-q", "-p", "no:cacheprovider", f"--rootdir={EXAMPLES / name}")
    ran(environment, "-m", "pytest", *options, str(EXAMPLES / name), cwd=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_example_imports_public_names_only(name: str) -> None:
    """Of the runtime it imports what `tests/public_api.txt` lists."""
    public = {*(REPOSITORY / "tests/public_api.txt").read_text().splitlines()}
    [plugin] = (EXAMPLES / name).glob("tesseract_*.py")
    for node in ast.walk(ast.parse(plugin.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("runtime_core"):
            assert {f"{node.module} {each.name}" for each in node.names} <= public


def test_examples_work_together(environment: dict[str, str], tmp_path: Path) -> None:
    """On the command line, over HTTP, and in the client, with one another."""
    path = tmp_path / "tesseract_api.py"
    path.write_text(LOGGING)
    options = [
        *("--gradient-backend", "jacobian_vector_product=complex-step"),
        *("--output-format", "safetensors", "--log-to", "sqlite:runs.db"),
    ]
    product = {"jvp_inputs": ["x"], "jvp_outputs": ["y"], "tangent_vector": {"x": [1]}}
    payload = json.dumps({"inputs": {"x": [1.5]}, **product})
    command = ("-m", "runtime_core", "--api-path", str(path), *options)
    ran(environment, *command, "jacobian-vector-product", payload, "-o", ".", cwd=tmp_path)
    body = (tmp_path / "results.safetensors").read_bytes()
    assert np.frombuffer(body[-8:]) == [2.0]
    served = (*options[:-1], f"sqlite:{tmp_path}/runs.db", "--output-path", str(tmp_path))
    with serving(path, *served, environment=environment) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert ran(environment, "-c", CLIENT, url, cwd=tmp_path) == "[3.]\n[4.]\n"

        def logged() -> bool:
            with sqlite3.connect(tmp_path / "runs.db") as database:
                return bool(database.execute("SELECT key FROM metrics").fetchall() == [("n",)])

        wait_until(logged)
