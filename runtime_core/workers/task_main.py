"""The process of a task pool: computes one task after the other, on its main thread.

It is started as `python -m runtime_core.workers.task_main DESCRIPTOR PARENT`. A task is a pickled
function with its arguments; the answer is pickled too. Both sides are the same installation.
"""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from typing import Any, NoReturn

from runtime_core.message_texts import exception_text
from runtime_core.run_logs.standard_output import flush_output
from runtime_core.workers.framing import Channel, ConnectionEnded, Message
from runtime_core.workers.supervised_process import connected


def main(descriptor: int, parent: int) -> int:
    """Compute the tasks of one pool until it closes the connection; return the exit code."""
    with connected(descriptor, parent) as connection, suppress(ConnectionEnded):
        _work(Channel(connection))
    return 0


def _work(channel: Channel) -> NoReturn:
    process = os.getpid()
    while True:
        asked = channel.next()
        answer = _answer(asked.parts[0])
        if os.getpid() != process:
            os._exit(0)  # a fork of user code that returned must not answer
        flush_output()
        channel.send(Message(kind=asked.kind, number=asked.number, parts=[answer]))


def _answer(task: Any) -> bytes:
    """Return the success of a task, and its result or exception."""
    try:
        function, arguments = pickle.loads(task)  # noqa: S301  # of our own pool
        return pickle.dumps((True, function(*arguments)), protocol=5)
    except Exception as error:
        return _failure(error)


def _failure(error: Exception) -> bytes:
    with suppress(Exception):  # its class may be one that cannot be pickled
        pickled = pickle.dumps((False, error), protocol=5)
        pickle.loads(pickled)  # noqa: S301  # what has just been pickled
        return pickled
    return pickle.dumps((False, RuntimeError(exception_text(error))), protocol=5)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
