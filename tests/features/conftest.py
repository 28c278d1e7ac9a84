"""Servers of the Tesseracts of this folder: in this process where their code allows that."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import served_runtime
from runtime_core.server.application import build_application, extension_parts
from runtime_core.server.serve_options import ServeOptions
from runtime_core.server.server import Server
from tests.features.corpus import FOLDER
from tests.server.asgi import requested
from tests.server.conftest import serving
from tests.workers.conftest import in_process

Request = Callable[..., tuple[int, bytes]]
"""Makes a request, given method, path and document, and returns the status and the body."""

PROCESSES = {"habits", "narrow_jax", "neighbours", "recipes_of_jax", "returned_objects"}
"""Tesseracts that change their process, or JAX in it, and get one of their own."""


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Request]:
    """Serve the Tesseract that the parameter names, until the tests of the next one begin."""
    folder = copied(request.param, tmp_path_factory.mktemp("features"))
    opened = serving_apart if request.param in PROCESSES else partial(serving_here, catalog)
    with opened(folder) as answered:
        yield answered


def copied(feature: str, target: Path) -> Path:
    """Copy a Tesseract to a folder of its own, so that its runs leave nothing in the sources."""
    return Path(shutil.copytree(FOLDER / feature, target / feature))


def options_of(folder: Path) -> dict[str, str]:
    """Return the global options with which a Tesseract is run: its files, and where it writes."""
    (folder / "output").mkdir(exist_ok=True)
    found = {"output_path": str(folder / "output")}
    return found | ({"input_path": str(folder / "files")} if (folder / "files").exists() else {})


@contextmanager
def serving_apart(folder: Path) -> Iterator[Request]:
    """Serve a Tesseract by a server in a process of its own."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in options_of(folder).items()]
    with serving(folder / "tesseract_api.py", *options) as served:

        def answered(method: str, path: str, document: Any = None) -> tuple[int, bytes]:
            body = None if document is None else json.dumps(document)
            answer = served.request(method, path, body)
            return answer.status, answer.body

        yield answered


@contextmanager
def serving_here(catalog: Catalog, folder: Path) -> Iterator[Request]:
    """Serve a Tesseract by the application of a server in this process."""
    flags = {"api_path": str(folder / "tesseract_api.py"), **options_of(folder)}
    config = resolve(catalog, flags=flags, environment={})
    workers = in_process(served_runtime(catalog, config))
    with asyncio.Runner() as runner:
        runner.run(workers.__aenter__())
        try:
            server = Server(catalog=catalog, config=config, options=ServeOptions(), workers=workers)
            # An access log would be written by a thread, between tests too.
            parts = extension_parts(server)
            silent = {name: replace(part, observe=None) for name, part in parts.items()}
            application = build_application(server, silent)

            def answered(method: str, path: str, document: Any = None) -> tuple[int, bytes]:
                body = b"" if document is None else json.dumps(document).encode()
                return runner.run(requested(application, method, path, body))

            yield answered
        finally:
            runner.run(workers.__aexit__(None, None, None))
