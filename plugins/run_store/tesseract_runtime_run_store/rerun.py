"""Computing the recorded payload of a run again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

from runtime_core.cli import computed, new_call, report_fault
from runtime_core.errors import InvalidOption
from runtime_core.run_logs import MASK, StoredRun, stored_run

if TYPE_CHECKING:
    from runtime_core.cli import CommandContext


def rerun(context: CommandContext, stored: StoredRun, folder: Path) -> StoredRun:
    """Compute a recorded call as a new run, with the Tesseract of the command.

    Raises `InvalidOption` if the payload is not recorded.
    """
    call = new_call(
        context,
        stored.endpoint,
        _body(stored),
        str(stored.facts["payload_format"]),
        output_path=str(folder),
        output_format=_format(context, stored),
    )
    with context.session(call.endpoint, output_path=str(folder)):
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
