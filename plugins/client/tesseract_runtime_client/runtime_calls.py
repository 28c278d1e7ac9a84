"""Requests as calls of the runtime, and its replies as answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from runtime_core.calls import current_scope
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.contracts import Buffer, Call, Description, Reply
from runtime_core.errors import InvalidOption
from runtime_core.files import FileAccess
from runtime_core.run_logs import run_name
from tesseract_runtime_client.errors import failure_of
from tesseract_runtime_client.transport import Answer, Request

SECONDS_FOR_SINKS = 10.0
"""The limit for sending the last records of runs when a client is closed."""

PathLike = str | os.PathLike[str]


def call_of(request: Request, body: Buffer, config: RuntimeConfig) -> Call:
    """Return the call of a request; its files go into a folder of the run, as in a server."""
    return Call(
        endpoint=request.endpoint,
        run_id=request.run_id,
        parent_run_id=request.parent_run_id,
        metadata=request.metadata,
        body=body,
        body_format=request.format,
        output=replace(request.output, compression=config.compression),
        output_path=config.output_path,
        output_folder=run_name(request.run_id),
    )


def answer_of(reply: Reply) -> Answer:
    """Return a copy of the result of a call, or raise its fault."""
    if reply.fault is not None:
        raise failure_of(reply.fault, reply.run_id)
    return Answer(format=reply.format, body=b"".join(reply.body))


def copy_output(name: str, config: RuntimeConfig, into: BinaryIO) -> None:
    """Copy a file in the output path, which a result names, to an open file."""
    with FileAccess(root=config.output_path).open(name) as file:
        shutil.copyfileobj(file, into)


def output_files(name: str, config: RuntimeConfig) -> Sequence[str]:
    """Return the names of the files in a folder in the output path."""
    root = Path(config.output_path)
    paths = sorted((root / name).rglob("*"))
    return [path.relative_to(root).as_posix() for path in paths if path.is_file()]


def known_of(description: Description) -> Mapping[str, Any]:
    """Return the answers of a server that need no computation, by name."""
    answers = {known.name: known.answer for known in description.endpoints if not known.has_payload}
    return {**answers, "openapi.json": description.openapi}


def config_of(
    source: PathLike | ModuleType,
    input_path: PathLike | None,
    output_path: PathLike | None,
    options: Mapping[str, Any],
) -> RuntimeConfig:
    """Return the configuration of a Tesseract, without options from the environment.

    `options` are those of the command line by name, such as `gradient_backend`; `InvalidOption`
    for one that does not exist. Relative paths start from the working directory, now.
    """
    if isinstance(source, ModuleType):
        source = str(source.__dict__.get("__file__") or source.__name__)
    paths = {"api_path": source, "input_path": input_path or ".", "output_path": output_path}
    for name in paths.keys() & options.keys():
        raise InvalidOption(f"Option {name!r} is an argument of its own, not one of `options`.")
    flags = {name: os.fspath(path) for name, path in paths.items() if path is not None}
    return resolve(current_scope().catalog, flags={**options, **flags}, environment={})


def file_reference(path: PathLike) -> Mapping[str, str]:
    """Return the reference of a file in documents, valid in any working directory.

    >>> file_reference("/models/beam/tesseract_api.py")
    {'type': 'api_path', 'ref': '/models/beam/tesseract_api.py'}
    """
    return {"type": "api_path", "ref": os.path.realpath(path)}
