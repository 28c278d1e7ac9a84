"""What is submitted to executors: an importable function that takes and returns plain data."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from runtime_core.executors.loaded_models import LOADED_MODELS
from runtime_core.executors.wire_data import Outcome, PackedVector, outcome_of, unpacked

_TURN = Lock()  # an executor may have several threads in a process, and user code rarely can


Asked = tuple[str, str, PackedVector, Sequence[str]]
"""The text of a `ModelAddress`, the digest of a point, changed inputs and paths of outputs."""


def evaluate_near(asked: Asked, point: bytes | None = None) -> Outcome:
    """Evaluate the `apply` of a Tesseract near a point, one evaluation at a time in a process.

    `point` may be left out where the process has received it earlier.
    """
    model, digest, changes, outputs = asked
    with _TURN:
        return outcome_of(
            lambda: LOADED_MODELS.find(model).evaluate(digest, point, unpacked(changes), outputs)
        )
