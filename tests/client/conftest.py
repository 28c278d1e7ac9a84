"""The same Tesseract behind each kind of client."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tesseract_runtime_client import Tesseract
from tests.conftest import clean_environment
from tests.patience import SECONDS, wait_until

SOURCE = """
import os
import time
from typing import Any

import numpy as np
from pydantic import BaseModel, JsonValue
from runtime_core import Array, Bool, Complex128, Differentiable, Float32, Float64, Int64
from runtime_core import ShapeDType

class Part(BaseModel):
    weight: Float64 = 1.0
    offsets: dict[str, Array[(None,), Float64]] = {}

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    scale: Differentiable[Float32] = 1.0
    parts: list[Part] = []
    counts: Array[..., Int64] = [0]
    plain: float = 0.5
    note: str = ""
    tree: JsonValue = None
    action: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    total: Differentiable[Float32]
    turned: Array[(None,), Complex128]
    positive: Array[(None,), Bool]
    counts: Array[..., Int64]
    parts: list[Part]
    plain: float
    note: str
    tree: JsonValue
    process: int

def fail(message):
    raise ArithmeticError(message)

ACTIONS = {
    "": lambda: None,
    "fail": lambda: fail("this cannot be computed"),
    "exit": lambda: os._exit(7),
    "sleep": lambda: time.sleep(30),
    "pause": lambda: time.sleep(1),
}

def apply(inputs):
    ACTIONS[inputs.action]()
    y = inputs.scale * inputs.x
    inputs.x[...] = -1.0  # inputs belong to the author
    inputs.counts[...] = -1
    return OutputSchema(
        y=y,
        total=np.sum(y),
        turned=y.astype(complex),
        positive=y > 0,
        counts=np.arange(inputs.counts.size).reshape(inputs.counts.shape),
        parts=inputs.parts,
        plain=inputs.plain,
        note=inputs.note,
        tree=inputs.tree,
        process=os.getpid(),
    )

def jacobian(inputs, jac_inputs, jac_outputs):
    n = inputs.x.size
    blocks = {
        "y": {"x": inputs.scale * np.eye(n), "scale": inputs.x.copy()},
        "total": {"x": np.full(n, inputs.scale, "float32"), "scale": np.sum(inputs.x)},
    }
    inputs.x[...] = 0.0
    return {out: {path: blocks[out][path] for path in jac_inputs} for out in jac_outputs}

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    dx = tangent_vector.get("x", np.zeros(inputs.x.size))
    y = inputs.scale * dx + tangent_vector.get("scale", 0) * inputs.x
    product = {"y": y, "total": np.float32(np.sum(y))}
    return {path: product[path] for path in jvp_outputs}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    y = cotangent_vector.get("y", 0) + cotangent_vector.get("total", 0) * np.ones(inputs.x.size)
    product = {"x": inputs.scale * y, "scale": np.float32(inputs.x @ y)}
    return {path: product[path] for path in vjp_inputs}

def abstract_eval(abstract_inputs):
    x, counts = abstract_inputs.x, abstract_inputs.counts
    return {
        "y": x,
        "total": ShapeDType(shape=(), dtype="float32"),
        "turned": ShapeDType(shape=x.shape, dtype="complex128"),
        "positive": ShapeDType(shape=x.shape, dtype="bool"),
        "counts": counts,
        "parts": abstract_inputs.parts,
        "plain": abstract_inputs.plain,
        "note": abstract_inputs.note,
        "tree": abstract_inputs.tree,
        "process": 0,
    }
"""

Open = Callable[..., Tesseract]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the Tesseract that all kinds of clients call."""
    return written(tmp_path_factory.mktemp("called"), SOURCE)


@pytest.fixture(scope="session")
def url(source: Path) -> Iterator[str]:
    """Return the URL of the Tesseract, which is served until the session ends."""
    with serving(source, "--debug") as address:
        yield address


@pytest.fixture(scope="session")
def socket_url(source: Path) -> Iterator[str]:
    """Return the URL of the socket of a server of the same Tesseract."""
    with TemporaryDirectory() as folder:  # the path of a socket must be short
        socket = Path(folder, "model.sock")
        with serving(source, "--debug", uds=socket) as address:
            yield address


@pytest.fixture(scope="session")
def kinds(source: Path, url: str, socket_url: str) -> dict[str, Open]:
    """Return a function that makes a client, for each kind."""
    options = {"debug": True}
    folder = source.parent
    return {
        "url": lambda **chosen: Tesseract.from_url(url, **chosen),
        "socket": lambda **chosen: Tesseract.from_url(socket_url, **chosen),
        "api": lambda **chosen: Tesseract.from_api(
            source, output_path=folder, options=options, **chosen
        ),
        "worker": lambda **chosen: Tesseract.from_worker(
            source, output_path=folder, options=options, **chosen
        ),
    }


@pytest.fixture(scope="session")
def opened(kinds: dict[str, Open]) -> Iterator[Callable[[str, str | None], Tesseract]]:
    """Return a function that gives the client of a kind and an encoding, opened once."""
    with ExitStack() as stack:
        clients: dict[tuple[str, str | None], Tesseract] = {}

        def get(kind: str, encoding: str | None) -> Tesseract:
            if (kind, encoding) not in clients:
                client = stack.enter_context(kinds[kind](encoding=encoding))
                clients[kind, encoding] = client
            return clients[kind, encoding]

        yield get


@pytest.fixture(params=["url", "socket", "api", "worker"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return each kind of client in turn."""
    name: str = request.param
    return name


@pytest.fixture
def client(kind: str, opened: Callable[[str, str | None], Tesseract]) -> Tesseract:
    """Return a client of each kind, with the encoding that it chooses itself."""
    return opened(kind, None)


def written(folder: Path, source: str, **siblings: str) -> Path:
    """Write a Tesseract and the modules beside it, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**siblings, "tesseract_api": source}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return folder / "tesseract_api.py"


@contextmanager
def serving(
    source: Path,
    *options: str,
    key: str | None = None,
    uds: Path | None = None,
    limits: Sequence[str] = (),
) -> Iterator[str]:
    """Serve a Tesseract on a port of its own or on a socket, and end that in any case."""
    place = ["--port", "0"] if uds is None else ["--uds", str(uds)]
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    log = source.with_name("server.log") if uds is None else uds.with_suffix(".log")
    keys = [] if key is None else ["--api-key", key]
    with (
        log.open("w") as prints,
        subprocess.Popen(
            [program, *options, "serve", *place, *keys, *limits],
            env={**clean_environment(), "TESSERACT_API_PATH": str(source)},
            cwd=source.parent,
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


def _announced(process: subprocess.Popen[bytes], log: Path) -> str:
    pattern = re.compile(r"^Serving .* on ((?:http|unix)://\S+)", re.MULTILINE)
    wait_until(lambda: process.poll() is not None or pattern.search(log.read_text()))
    match = pattern.search(log.read_text())
    assert match, f"The server did not start:\n{log.read_text()}"
    return match[1]
