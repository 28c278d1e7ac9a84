"""A row of results: one evaluation, as a line of JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from runtime_core.contracts import Reply

FINISHED, FAILED = "finished", "failed"

HEAD = re.compile(rb'\{"index":([0-9]+),"status":"([a-z]+)",')
"""How each line begins."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The facts of an evaluation; its outputs are a document of their own.

    `memo` is `hit` or `miss` where results are kept by `--memo`.
    """

    index: int
    status: str
    run_id: str
    seconds: float
    error: str | None
    memo: str | None
    inputs: Mapping[str, Any]

    def line(self, outputs: bytes) -> bytes:
        """Return the line of a table; `outputs` is JSON."""
        head = to_json(self, inf_nan_mode="strings")
        return head[:-1] + b',"outputs":' + (outputs or b"null") + b"}\n"


def row_of(index: int, inputs: Mapping[str, Any], reply: Reply) -> Row:
    """Return the row of a reply."""
    return Row(
        index=index,
        status=FINISHED if reply.fault is None else FAILED,
        run_id=reply.run_id,
        seconds=round(sum(reply.timings.values()), 6),
        error=None if reply.fault is None else reply.fault.message,
        memo=reply.headers.get("Tesseract-Memo"),
        inputs=inputs,
    )
