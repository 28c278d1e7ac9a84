"""Requests as calls of the runtime, and what its replies and descriptions say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.contracts import Buffer, Call, Description, Reply, Wire
from tesseract_runtime_client.errors import Refusal
from tesseract_runtime_client.transport import Answer, Request

SECONDS_FOR_SINKS = 10.0
"""So long is waited at the end for what is still to be sent to trackers of runs."""


def call_of(request: Request, body: Buffer, config: RuntimeConfig) -> Call:
    """Return the call that a request is; its files go into a folder of the run, as a server's."""
    return Call(
        endpoint=request.endpoint,
        run_id=request.run_id,
        parent_run_id=request.parent_run_id,
        body=body,
        body_format=request.format,
        output=Wire(format=request.format, compression=config.compression),
        output_path=config.output_path,
        output_folder=f"run_{request.run_id}",
    )


def answer_of(reply: Reply) -> Answer:
    """Return the result of a call, copied out of memory that is not the caller's; or raise."""
    if reply.fault is not None:
        raise Refusal.of(reply.fault, reply.run_id).error()
    return Answer(format=reply.format, body=b"".join(reply.body))


def known_of(description: Description) -> Mapping[str, Any]:
    """Return what a server answers without a call, by name."""
    answers = {known.name: known.answer for known in description.endpoints if not known.has_payload}
    return {**answers, "openapi.json": description.openapi}


def config_of(
    catalog: Catalog,
    api_path: str,
    *,
    input_path: str | os.PathLike[str] | None,
    output_path: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> RuntimeConfig:
    """Return the configuration of one Tesseract, in which the environment has no part.

    `options` are those of the command line by name, such as `gradient_backend`; `InvalidOption`
    for one that does not exist. Relative paths start from the working directory, now.
    """
    paths = {"api_path": api_path, "input_path": input_path or ".", "output_path": output_path}
    flags = {name: str(path) for name, path in paths.items() if path is not None}
    return resolve(catalog, flags={**options, **flags}, environment={})


def file_reference(path: str) -> Mapping[str, str]:
    """Return how a document names a file, wherever its reader works.

    >>> file_reference("/models/beam/tesseract_api.py")
    {'type': 'api_path', 'ref': '/models/beam/tesseract_api.py'}
    """
    return {"type": "api_path", "ref": os.path.realpath(path)}


def path_of(source: str | os.PathLike[str] | ModuleType) -> str:
    """Return the path of a Tesseract's file, or the name of a module that has none."""
    if isinstance(source, ModuleType):
        return str(source.__dict__.get("__file__") or source.__name__)
    return os.fspath(source)
