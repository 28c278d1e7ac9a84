"""Tesseracts served by this project, and the clients of another one that call them.

The two cannot share an environment: both have a package `tesseract_core`. These tests run in that
of the clients, and `INTEROP_RUNTIME` is the command that starts ours; this project's own client,
which calls the other one's server, runs beside that command. Without it nothing here is collected.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.patience import SECONDS, wait_until

RUNTIME = shlex.split(os.environ.get("INTEROP_RUNTIME", ""))

collect_ignore_glob = [] if RUNTIME else ["test_*.py"]

CALLS_BY_OUR_CLIENT = Path(__file__).with_name("client_calls.py")

SCHEMAS = """
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int32, ShapeDType

class Wave(BaseModel):
    amplitude: Differentiable[Float64]
    rate: Differentiable[Float64]

class InputSchema(BaseModel):
    time: Differentiable[Array[(None,), Float64]]
    wave: Wave
    power: Int32 = 2
    unit: str = "m"

class OutputSchema(BaseModel):
    signal: Differentiable[Array[(None,), Float64]]
    energy: Differentiable[Float32]

def refuse(inputs):
    if inputs.unit == "parsec":
        raise ArithmeticError("a wave is shorter than a parsec")
"""

IN_JAX = (
    SCHEMAS
    + """
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

def apply_jit(inputs):
    wave = inputs["wave"]
    signal = wave["amplitude"] * jnp.sin(wave["rate"] * inputs["time"])
    return {"signal": signal, "energy": jnp.sum(signal ** inputs["power"]).astype("float32")}

def apply(inputs):
    refuse(inputs)
    return OutputSchema(**jax.device_get(apply_jit(inputs.model_dump())))
"""
)
"""A Tesseract whose gradients come from the backend `jax`."""

IN_NUMPY = (
    SCHEMAS
    + """
def apply(inputs):
    refuse(inputs)
    signal = inputs.wave.amplitude * np.sin(inputs.wave.rate * inputs.time)
    return OutputSchema(signal=signal, energy=np.float32(np.sum(signal**inputs.power)))

def jacobian(inputs, jac_inputs, jac_outputs):
    wave, time = inputs.wave, inputs.time
    sine, cosine = np.sin(wave.rate * time), np.cos(wave.rate * time)
    signal = {
        "time": np.diag(wave.amplitude * wave.rate * cosine),
        "wave.amplitude": sine,
        "wave.rate": wave.amplitude * time * cosine,
    }
    outer = inputs.power * (wave.amplitude * sine) ** (inputs.power - 1)
    energy = {path: (outer @ block).astype(np.float32) for path, block in signal.items()}
    blocks = {"signal": signal, "energy": energy}
    return {out: {path: blocks[out][path] for path in jac_inputs} for out in jac_outputs}

def abstract_eval(abstract_inputs):
    return {
        "signal": ShapeDType(shape=abstract_inputs.time.shape, dtype="float64"),
        "energy": ShapeDType(shape=(), dtype="float32"),
    }
"""
)
"""The same Tesseract with a `jacobian` of its own, from which both products are derived."""


@pytest.fixture(scope="session", params=[IN_JAX, IN_NUMPY], ids=["jax", "numpy"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address at which a Tesseract is served until the session ends."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "tesseract_api.py").write_text(request.param, encoding="utf-8")
    with serving(folder, "--gradient-backend", "auto") as address:
        yield address


@pytest.fixture(scope="session")
def tesseract(url: str) -> Any:
    """Return the Tesseract as the client's Python SDK has it."""
    return import_module("tesseract_core").Tesseract.from_url(url)  # not this project's package


@pytest.fixture(scope="session")
def apply_tesseract(tesseract: Any) -> Callable[..., Any]:
    """Return the Tesseract as a function of nested dicts that JAX can transform."""
    return partial(import_module("tesseract_jax").apply_tesseract, tesseract)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Tesseract that both can serve."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "tesseract_api.py").write_text(IN_NUMPY, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def ours(folder: Path) -> dict[str, Any]:
    """Return all answers of this project's server."""
    with serving(folder) as url:
        return answers(url)


@pytest.fixture(scope="session")
def originals(folder: Path) -> dict[str, Any]:
    """Return all answers of the original's server."""
    with serving_original(folder) as url:
        return answers(url)


@pytest.fixture(params=["ours", "originals"])
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the answers of each server in turn."""
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


def answers(url: str) -> dict[str, Any]:
    """Make all calls by the client, in the environment that has it."""
    python = Path(RUNTIME[0]).with_name("python")
    called = subprocess.run(
        [str(python), str(CALLS_BY_OUR_CLIENT), url],
        stdout=subprocess.PIPE,
        check=True,
        timeout=SECONDS,
    )
    found: dict[str, Any] = json.loads(called.stdout)
    return found


@contextmanager
def serving_original(folder: Path, **options: Path) -> Iterator[str]:
    """Serve the Tesseract of a folder by the original, and end that in any case.

    `options` are global ones, which the original takes from variables of the environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "original.log"
    with (
        log.open("w") as prints,
        subprocess.Popen(
            [
                str(Path(sys.executable).with_name("tesseract-runtime")),
                "serve",
                "--port",
                str(port),
            ],
            env=environment(api_path=folder / "tesseract_api.py", **options),
            cwd=folder,
            stdout=prints,
            stderr=prints,
        ) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or "running on" in log.read_text())
            assert process.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@contextmanager
def serving(folder: Path, *options: str, workers: int = 1) -> Iterator[str]:
    """Serve the Tesseract of a folder in a process of its own, and end that in any case."""
    log = folder / "server.log"
    with (
        log.open("w") as prints,
        subprocess.Popen(
            [*RUNTIME, *options, "serve", "--port", "0", "--num-workers", str(workers)],
            env=environment(api_path=folder / "tesseract_api.py"),
            stdout=prints,
            stderr=prints,
        ) as process,
    ):
        try:
            yield _announced(process, log)
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            finally:
                process.kill()


def environment(**options: Path | str) -> dict[str, str]:
    """Return the variables of a process: those of this one, and global options, if any."""
    plain = {key: value for key, value in os.environ.items() if "TESSERACT" not in key}
    return plain | {f"TESSERACT_{name.upper()}": str(value) for name, value in options.items()}


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address at which a server says that it listens."""
    pattern = re.compile(r"^Serving .* on (http://\S+)", re.MULTILINE)
    wait_until(lambda: process.poll() is not None or pattern.search(log.read_text()))
    match = pattern.search(log.read_text())
    assert match, f"The server did not start:\n{log.read_text()}"
    return match[1]
