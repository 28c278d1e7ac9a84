"""Handles of the forward solves that a server has kept, by the inputs of `apply`."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from runtime_core.calls import Content

_MOST = 16


class ForwardHandles:
    """The handles of the last inputs; servers that keep nothing give none."""

    def __init__(self) -> None:
        self._lock = Lock()  # several threads may use a client
        self._handles: OrderedDict[bytes, str] = OrderedDict()

    def find(self, inputs: Any) -> str | None:
        """Return the handle that came with the answer to equal inputs, if any."""
        content = Content.of(inputs) if self._handles else None
        return None if content is None else self._handles.get(content.digest)

    def note(self, inputs: Any, handle: str) -> None:
        """Note the handle that came with an answer."""
        content = Content.of(inputs)
        if content is None:
            return
        with self._lock:
            self._handles[content.digest] = handle
            self._handles.move_to_end(content.digest)
            if len(self._handles) > _MOST:
                self._handles.popitem(last=False)
