"""Computing the recorded payload of a run again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_core.cli import computed, report_fault, stdout_to_stderr
from runtime_core.contracts import Call
from runtime_core.documents import configured_wire
from runtime_core.errors import InvalidOption
from runtime_core.run_logs import MASK, StoredRun, new_run_id, stored_run

if TYPE_CHECKING:
    from runtime_core.cli import CommandContext


def rerun(context: CommandContext, stored: StoredRun, folder: Path) -> StoredRun:
    """Compute a recorded call as a new run, with the Tesseract of the command.

    Raises `InvalidOption` if the payload is not recorded.
    """
    call = Call(
        endpoint=stored.endpoint,
        run_id=new_run_id(),
        new_run=True,
        body=_body(stored),
        body_format=str(stored.facts["payload_format"]),
        output=configured_wire(context.catalog, context.config, _format(context, stored)),
        output_path=str(folder),
    )
    with stdout_to_stderr(), context.runtime().set_up(str(folder)):
        reply = computed(context, call)
    if reply.fault is not None:
        report_fault(reply.fault, call.endpoint, debug=context.config.debug)
    return stored_run(folder, call.run_id)


def _body(stored: StoredRun) -> bytes:
    facts = stored.facts
    if "payload_base64" in facts:
        return base64.b64decode(facts["payload_base64"])
    text = json.dumps(facts.get("payload"))
    if "payload" not in facts or MASK in text:
        raise InvalidOption(
            f"The payload of run {stored.id!r} is not recorded: it has secrets, or more bytes than "
            "--run-payload-bytes."
        )
    return text.encode()


def _format(context: CommandContext, stored: StoredRun) -> str:
    result = stored.facts.get("outcome", {}).get("result", {})
    return str(result.get("format", context.config.output_format))
