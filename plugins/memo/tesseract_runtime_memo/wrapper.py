"""The wrapper of calls: a result that is kept is the answer."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence

from runtime_core.contracts import Binding, Buffer, Unavailable, Wire, WrappedCall
from tesseract_runtime_memo.kept_results import KeptResults

HEADER = "Tesseract-Memo"

_log = logging.getLogger(__name__)


def wrap(
    endpoint: str, output: Wire, binding: Binding
) -> Callable[[WrappedCall], Sequence[Buffer]] | None:
    """Return the function that answers calls of an endpoint, if its results may be kept."""
    settings = binding.config.section("memo")
    if settings.memo is None:
        return None
    bound = binding.endpoint(endpoint)
    if isinstance(bound, Unavailable) or bound.payload is None:
        return None
    if not (settings.force or getattr(binding.api.module, "deterministic", False) is True):
        _log.warning(
            "The results of %s are not kept by --memo: the file does not say "
            "`deterministic = True`. --memo-force keeps them nevertheless.",
            binding.api.path.name,
        )
        return None
    results = KeptResults(settings.memo, most_bytes=settings.bytes)
    form = json.dumps([*vars(output).values()])

    def around(wrapped: WrappedCall) -> Sequence[Buffer]:
        shares_memory = wrapped.call.segment is not None  # the document is not all of the result
        address = None if shares_memory else wrapped.address
        if address is None:
            return wrapped.answer()
        return _answer(wrapped, _key(address, wrapped.call.caller, form), results)

    return around


def _answer(wrapped: WrappedCall, key: str, results: KeptResults) -> Sequence[Buffer]:
    """Answer a call by the result that is kept under its key, or keep it."""
    wrapped.headers["ETag"] = f'"{key}"'
    wrapped.begin("memo")
    document = results.find(key)
    if document is not None:
        wrapped.headers[HEADER] = "hit"
        return [document]
    wrapped.headers[HEADER] = "miss"
    body = wrapped.answer()
    if not wrapped.has_files:
        results.keep(key, body)
    return body


def _key(address: str, caller: str | None, form: str) -> str:
    """Return the key of a result: callers with different keys share none."""
    return hashlib.sha256(json.dumps([address, caller, form]).encode()).hexdigest()
