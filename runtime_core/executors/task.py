"""What is submitted to executors: importable functions that take and return plain data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

from runtime_core.executors.loaded_models import LOADED_MODELS, LoadedModel
from runtime_core.executors.wire_data import (
    Computed,
    Outcome,
    PackedVector,
    UnknownPoint,
    bytes_in,
    outcome_of,
    packed,
    read_call,
    reply_data,
    unpacked,
)

_TURN = Lock()  # an executor may have several threads in a process, and user code rarely can

_LARGE = 1 << 20
"""The bytes of arguments and outcomes of a bundle."""

Evaluation = tuple[str, tuple[str, str], PackedVector, Sequence[str]]
"""The text of a `ModelAddress`, an endpoint with the digest of a point, changes and outputs."""

PlainCall = tuple[str, str, Mapping[str, Any], bytes]
"""The text of a `ModelAddress`, the digest of a body or `""`, the call, and else its body."""

T = TypeVar("T", bound=tuple[Any, ...])


def evaluate_near(
    asked: tuple[float, Sequence[Evaluation]],
    point: bytes | None = None,
    folder: bytes | None = None,
) -> Computed:
    """Evaluate an endpoint of a Tesseract near a point, for each of a bundle.

    `point` may be left out where the process has received it earlier, and so may the `folder` of
    the Tesseract, if it is sent; nothing is computed where one of them is missing.
    """

    def evaluated(loaded: LoadedModel, each: Evaluation) -> Outcome:
        _, near, changes, outputs = each
        return "outputs", packed(loaded.evaluate(near, point, unpacked(changes), outputs))

    return _computed(asked, folder, evaluated)


def answer_call(
    asked: tuple[float, Sequence[PlainCall]],
    point: bytes | None = None,
    folder: bytes | None = None,
) -> Computed:
    """Answer calls; `point` is the body of those that share one, unless it came earlier."""

    def answered(loaded: LoadedModel, each: PlainCall) -> Outcome:
        _, digest, data, body = each
        call = read_call(data, loaded.body(digest, point) or body)
        return "reply", reply_data(loaded.answer(call))

    return _computed(asked, folder, answered)


def _computed(
    asked: tuple[float, Sequence[T]],
    folder: bytes | None,
    compute: Callable[[LoadedModel, T], Outcome],
) -> Computed:
    """Compute a bundle, until it has taken its seconds or is large."""
    seconds, bundle = asked
    outcomes: list[Outcome] = []
    start, size, share = time.perf_counter(), 0, 1.0
    for each in bundle:
        try:
            outcomes.append(_outcome(each, folder, compute))
        except UnknownPoint:
            break
        if seconds:
            size += bytes_in(each) + bytes_in(outcomes[-1])
            share = max((time.perf_counter() - start) / seconds, size / _LARGE)
        if share >= 1:
            break
    return outcomes, share


def _outcome(
    asked: T, folder: bytes | None, compute: Callable[[LoadedModel, T], Outcome]
) -> Outcome:
    """Compute with a Tesseract, one task at a time in a process."""
    with _TURN:
        return outcome_of(lambda: compute(LOADED_MODELS.find(asked[0], folder), asked))
