"""One process of a task pool as the pool sees it: its tasks, its socket and its output."""

from __future__ import annotations

import fcntl
import os
import pickle
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from runtime_core.run_logs.standard_output import STDERR, write_all
from runtime_core.workers.framing import CHUNK, ConnectionEnded, Incoming, Message, Outgoing
from runtime_core.workers.supervised_process import end_text, kill_group, launched

_SECONDS_TO_END = 5.0
_MOST_OUTPUT = 1 << 20  # bytes, before the file of an idle process is emptied


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A pickled call of a function, and the future of its result."""

    call: bytes
    future: Future[Any]

    @classmethod
    def of(cls, function: Callable[..., Any], arguments: Any, future: Future[Any]) -> Task:
        """Pickle a call; errors are those of pickle."""
        return cls(call=pickle.dumps((function, arguments), protocol=5), future=future)


class TaskProcess:
    """A started process. It computes the first of its tasks; the next one lies in its socket."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        with tempfile.TemporaryFile() as file, ExitStack() as failed:
            fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
            self._output = os.dup(file.fileno())
            failed.callback(os.close, self._output)
            self._process, self._socket = launched(
                "runtime_core.workers.task_main", self._output, environment
            )
            failed.pop_all()
        self._socket.setblocking(False)
        self._incoming = Incoming()
        self._outgoing = Outgoing(self._socket)
        self._shown = 0  # bytes of its output
        self._number = 0  # of the last task
        self.tasks: deque[Task] = deque()

    def fileno(self) -> int:
        """Return the descriptor of the socket, for a selector."""
        return self._socket.fileno()

    @property
    def is_sending(self) -> bool:
        """Whether the socket has not taken all that was sent."""
        return bool(self._outgoing)

    def send(self, task: Task) -> None:
        """Send a task; `ConnectionEnded` if the process has ended."""
        self._number += 1
        self._outgoing.send(Message(kind=0, number=self._number, parts=[task.call]))
        self.tasks.append(task)

    def go_on(self) -> None:
        """Send as much as the socket takes; `ConnectionEnded` if the process has ended."""
        self._outgoing.send_rest()

    def receive(self) -> None:
        """Settle the tasks whose results have come; `ConnectionEnded` if the process has ended."""
        try:
            messages = self._incoming.add(self._socket.recv(CHUNK))
        except BlockingIOError:
            return
        except OSError:
            raise ConnectionEnded from None
        self.show_output()
        for message, _ in messages:
            _settle(self.tasks[0].future, message)
            self.tasks.popleft()  # after Ctrl-C before this line, the future has its result

    def show_output(self) -> None:
        """Write to stderr what the process has written since the last time."""
        size = os.fstat(self._output).st_size
        while size > self._shown:
            piece = os.pread(self._output, CHUNK, self._shown)
            self._shown += len(piece)
            with suppress(OSError):  # the reader of our stderr has gone
                write_all(STDERR, [piece])
        if size > _MOST_OUTPUT and not self.tasks:
            os.ftruncate(self._output, 0)
            self._shown = 0

    def end(self) -> str:
        """End the process: an idle one by itself, any other is killed. Return how it has ended."""
        self._socket.close()
        if self.tasks:
            kill_group(self._process.pid)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_SECONDS_TO_END)
        kill_group(self._process.pid)  # or programs that user code has started
        code = self._process.wait()
        self.show_output()
        os.close(self._output)
        return end_text(code)


def _settle(future: Future[Any], message: Message) -> None:
    has_succeeded, value = pickle.loads(message.parts[0])  # noqa: S301  # of our own process
    if has_succeeded:
        future.set_result(value)
    else:
        future.set_exception(value)
