"""What is submitted to executors: importable functions that take and return plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from runtime_core.executors.loaded_models import LOADED_MODELS, LoadedModel
from runtime_core.executors.wire_data import (
    Outcome,
    PackedVector,
    outcome_of,
    packed,
    read_call,
    reply_data,
    unpacked,
)

_TURN = Lock()  # an executor may have several threads in a process, and user code rarely can


Evaluation = tuple[str, tuple[str, str], PackedVector, Sequence[str]]
"""The text of a `ModelAddress`, an endpoint with the digest of a point, changes and outputs."""

PlainCall = tuple[str, str, Mapping[str, Any], bytes]
"""The text of a `ModelAddress`, the digest of a body or `""`, the call, and else its body."""


def evaluate_near(
    asked: Evaluation, point: bytes | None = None, folder: bytes | None = None
) -> Outcome:
    """Evaluate an endpoint of a Tesseract near a point.

    `point` may be left out where the process has received it earlier, and so may the `folder` of
    the Tesseract, if it is sent.
    """
    model, near, changes, outputs = asked
    return _outcome(
        model,
        folder,
        lambda loaded: (
            "outputs",
            packed(loaded.evaluate(near, point, unpacked(changes), outputs)),
        ),
    )


def answer_call(
    asked: PlainCall, point: bytes | None = None, folder: bytes | None = None
) -> Outcome:
    """Answer a call; `point` is the body of those that share one, unless it came earlier."""
    model, digest, data, body = asked
    return _outcome(
        model,
        folder,
        lambda loaded: (
            "reply",
            reply_data(loaded.answer(read_call(data, loaded.body(digest, point) or body))),
        ),
    )


def _outcome(
    model: str, folder: bytes | None, compute: Callable[[LoadedModel], Outcome]
) -> Outcome:
    """Compute with a Tesseract, one task at a time in a process."""
    with _TURN:
        return outcome_of(lambda: compute(LOADED_MODELS.find(model, folder)))
