"""The process of one worker: loads the Tesseract once, then answers one call at a time.

It is started as `python -m runtime_core.workers.child DESCRIPTOR PARENT`, with one end of a
socket pair as an inherited descriptor. User code runs on the main thread; there is no other.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

from runtime_core.config import restore
from runtime_core.description import describe, loaded_plugins
from runtime_core.errors import PluginFault, TesseractRuntimeError
from runtime_core.faults import author_fault, fault_of
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.runtime import Runtime, served_runtime
from runtime_core.workers.messages import ConnectionEnded, Message, receive, send
from runtime_core.workers.protocol import (
    READY,
    failed_message,
    read_call,
    reply_message,
)

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(descriptor: int, parent: int) -> int:
    """Serve one supervisor until it closes the connection; the exit code is for nobody."""
    _die_with(parent)
    os.set_inheritable(descriptor, False)
    connection = socket.socket(fileno=descriptor)
    try:
        runtime = _start(connection)
        while runtime is not None:
            send(connection, reply_message(runtime.invoke(read_call(receive(connection)))))
    except ConnectionEnded:
        pass
    return 0


def _start(connection: socket.socket) -> Runtime | None:
    """Load what the first message asks for and tell how that went."""
    start = receive(connection).data
    try:
        selection = PluginSelection(
            disabled=frozenset(start["disabled_plugins"]), strict=start["strict_plugins"]
        )
        catalog = load_catalog(selection)
        _compare(loaded_plugins(catalog), start["loaded_plugins"])
        runtime = served_runtime(catalog, restore(catalog, start["config"]))
        description = describe(runtime)
    except TesseractRuntimeError as error:
        fault = fault_of(error)
    # Schemas of an author can break in ways that nobody foresaw; the operator needs to know.
    except Exception as error:
        fault = author_fault(error)
    else:
        send(connection, Message(kind=READY, data=description.as_data()))
        return runtime
    send(connection, failed_message(fault))
    return None


def _compare(ours: list[str], theirs: list[str]) -> None:
    """Refuse to work beside a supervisor that has loaded something else, since then changed."""
    different = sorted(set(ours) ^ set(theirs))
    if different:
        raise PluginFault(
            f"The plugins have changed since the server was started: {'; '.join(different)}. "
            "Start the server again."
        )


def _die_with(parent: int) -> None:
    """End this process when its supervisor ends, however that happens; Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above took effect
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
