"""The process of one worker: loads the Tesseract once, then answers one call at a time.

It is started as `python -m runtime_core.workers.worker_main DESCRIPTOR PARENT`, with one end of a
socket pair as an inherited descriptor. User code runs on the main thread, the only one.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import NoReturn

from runtime_core.calls.faults import author_fault, fault_of
from runtime_core.config import restore
from runtime_core.contracts import Reply
from runtime_core.description import describe, loaded_plugins
from runtime_core.errors import PluginFault, TesseractRuntimeError
from runtime_core.message_texts import exception_text, own_text
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.run_logs.standard_output import flush_output, has_output, redirect_output
from runtime_core.runtime import Runtime, local_runtime, served_runtime
from runtime_core.workers.framing import Channel, ConnectionEnded, Message
from runtime_core.workers.mapped_memory import MappedMemory
from runtime_core.workers.message_types import (
    AHEAD,
    ANSWER,
    BODY,
    CALL,
    CANCEL,
    FAILED,
    READY,
    SEGMENT,
    STREAMS,
    WRITTEN,
    body_size,
    read_attached,
    read_call,
    read_tree,
    reply_message,
    skipped_message,
    tree_message,
)
from runtime_core.workers.shared_memory import SMALLEST, SharedBuffer
from runtime_core.workers.supervised_process import connected

_REUSED = 31 << 20
"""Blocks of up to so many bytes are reused by malloc, which keeps twice as much: see mallopt(3)."""


def main(descriptor: int, parent: int) -> int:
    """Serve one supervisor until it closes the connection; return the exit code."""
    bytes(_REUSED)  # glibc's threshold is the largest block freed so far
    connection = connected(descriptor, parent)
    try:
        with connection, suppress(ConnectionEnded), ExitStack() as set_up:
            channel = Channel(connection)
            runtime = _start(channel, set_up)
            if runtime is not None:
                gc.freeze()  # what is loaded stays: collections between calls need not visit it
                _Worker(runtime, channel).work()
    # `teardown()` may fail, and user code may interrupt its process between two calls.
    except (TesseractRuntimeError, KeyboardInterrupt) as error:
        sys.stderr.write(f"Error: {own_text(error) or exception_text(error)}\n")
        return 1
    return 0


class _Worker:
    """Answers calls in the order of their arrival."""

    def __init__(self, runtime: Runtime, channel: Channel) -> None:
        self._runtime = runtime
        self._channel = channel
        self._process = os.getpid()
        self._memory = MappedMemory()
        self._answer: int | None = None  # the descriptor of a buffer for the next large answer
        self._has_written = False  # since the last files came

    def work(self) -> NoReturn:
        """Answer until the supervisor hangs up, which raises `ConnectionEnded`."""
        while True:
            asked = self._channel.next(self._memory.release_old)
            if asked.kind in (CALL, AHEAD):
                self._channel.send(self._answer_to(asked))

    def _answer_to(self, asked: Message) -> Message:
        if asked.kind == AHEAD and (self._needs_files or self._is_cancelled(asked)):
            return skipped_message(asked.number)
        reply = self._reply(asked)
        if os.getpid() != self._process:
            os._exit(0)  # a fork of user code that returned must not answer
        flush_output()
        self._has_written = reply.has_files or has_output()
        outcome = WRITTEN if self._has_written else 0
        return reply_message(asked.number, reply, self._buffer_for(reply), outcome=outcome)

    @property
    def _needs_files(self) -> bool:
        """Whether a call must bring files, because the last one has used what was there."""
        return self._has_written or self._answer is None

    def _is_cancelled(self, asked: Message) -> bool:
        return any(
            (later.kind, later.number) == (CANCEL, asked.number)
            for later in self._channel.arrived()
        )

    def _reply(self, asked: Message) -> Reply:
        attached = read_attached(asked)
        self._use(attached)
        body = self._memory.mapped(attached[BODY]) if BODY in attached else None
        segment = self._memory.mapped(attached[SEGMENT]) if SEGMENT in attached else None
        return self._runtime.answer(read_call(asked, body, segment))

    def _buffer_for(self, reply: Reply) -> SharedBuffer | None:
        """Return the buffer for a large reply, which the supervisor replaces at the next call."""
        if self._answer is None or body_size(reply) < SMALLEST:
            return None
        answer, self._answer = self._answer, None
        return self._memory.mapped(answer)

    def _use(self, attached: Mapping[int, int]) -> None:
        """Use the files that the supervisor attaches for this call and the following ones."""
        if STREAMS in attached:
            redirect_output(attached[STREAMS])
        if ANSWER in attached:
            self._answer = attached[ANSWER]


def _start(channel: Channel, set_up: ExitStack) -> Runtime | None:
    """Load the Tesseract of the first message, and answer with its description or a fault."""
    start = read_tree(channel.next())
    try:
        plugins = start["plugins"]
        disabled = frozenset(plugins["disabled"])
        catalog = load_catalog(PluginSelection(disabled=disabled, strict=plugins["strict"]))
        _compare(loaded_plugins(catalog), start["loaded"])
        make_runtime = served_runtime if start["confined"] else local_runtime
        runtime = make_runtime(catalog, restore(catalog, start["config"]))
        set_up.enter_context(runtime.set_up())
        description = describe(runtime)
    except TesseractRuntimeError as error:
        fault = fault_of(error)
    # The author's file can fail in any way; the operator needs to know.
    except (Exception, KeyboardInterrupt) as error:
        fault = author_fault(error)
    else:
        channel.send(tree_message(READY, asdict(description)))
        return runtime
    channel.send(tree_message(FAILED, asdict(fault)))
    return None


def _compare(ours: list[str], theirs: list[str]) -> None:
    """Raise `PluginFault` if the supervisor has loaded other plugins than this process."""
    different = sorted(set(ours) ^ set(theirs))
    if different:
        raise PluginFault(
            f"The plugins have changed since the server was started: {'; '.join(different)}. "
            "Start the server again."
        )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
