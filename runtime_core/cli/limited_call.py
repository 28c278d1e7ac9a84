"""A call of a command that may take a limited time: a worker computes it, which can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from runtime_core.cli.context import CommandContext
from runtime_core.cli.latest_log import latest_log
from runtime_core.config import dump
from runtime_core.contracts import Call, EndpointDescription, Reply
from runtime_core.description import loaded_plugins
from runtime_core.errors import InvalidOption
from runtime_core.files import make_folder
from runtime_core.workers import WorkerPool, WorkerSettings


def limited(context: CommandContext, call: Call, *, seconds: float) -> Reply:
    """Load the Tesseract in a worker and compute a call, for so many seconds at most.

    The worker and the programs in its process group are killed at the end of the time. Raises
    `InvalidOption` if the endpoint needs a payload and the body is empty.
    """
    options = dump(context.config)
    if call.output_path is not None:
        options["output_path"] = call.output_path  # for `setup()`, which runs before the call
    settings = WorkerSettings(
        config=options,
        plugins=context.selection,
        loaded=loaded_plugins(context.catalog),
        confined=False,
    )
    make_folder(call.output_path or context.config.output_path)
    pool = WorkerPool(settings, context.supervisor, timeout=seconds)
    with latest_log(context.supervisor.run(call)):
        return asyncio.run(_computed(context, pool, call))


async def _computed(context: CommandContext, pool: WorkerPool, call: Call) -> Reply:
    async with pool:
        _refuse_missing_payload(pool.description.endpoints, call)
        context.supervisor.begin(call)
        async with pool.call(call) as reply:
            return replace(reply, body=[bytes(piece) for piece in reply.body])


def _refuse_missing_payload(endpoints: Sequence[EndpointDescription], call: Call) -> None:
    if not len(call.body) and any(e.has_payload for e in endpoints if e.name == call.endpoint):
        raise InvalidOption(f"{call.endpoint} needs a payload: {{...}}, @PATH or -.")
