"""Clients of the soak: those that ask, leave and read slowly, and what happens to the workers."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPException

import numpy as np

from tests.patience import SECONDS
from tests.server.conftest import Answer, Served, exchange, read_answer
from tests.soak.questions import FORMS, Question, question

_BETWEEN_KILLS = 5.0  # seconds
_BETWEEN_LONG_CALLS = 8.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """Clients of one server for a while, and their results."""

    served: Served
    end: float
    counts: Counter[str] = field(default_factory=Counter)
    hostile: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def lasts(self) -> bool:
        """Whether the clients go on."""
        return time.monotonic() < self.end and not self.faults

    def note(self, question: Question, answer: Answer) -> None:
        """Count an answer, and record its problem."""
        self.counts[str(answer.status)] += 1
        if fault := question.fault_of(answer):
            self.faults.append(fault)

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the load lasts."""
        end = min(time.monotonic() + seconds, self.end)
        while self.lasts and time.monotonic() < end:
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))


Role = Callable[[Load, random.Random], None]


def ask(load: Load, chance: random.Random) -> None:
    """Call repeatedly on one connection, and a little later if there was no room."""
    with closing(load.served.connection()) as connection:
        while load.lasts:
            asked = question(chance)
            answer = exchange(connection, "POST", "/apply", asked.body, asked.headers)
            load.note(asked, answer)
            if answer.status == 503:
                load.pause(0.05)


def leave(load: Load, chance: random.Random) -> None:
    """Call and hang up while the request is sent, waits, runs, or is answered."""
    while load.lasts:
        asked = question(chance)
        with load.served.raw() as connection:
            size = chance.choice([1, len(asked.body) // 2, len(asked.body)])
            connection.sendall(asked.head + asked.body[:size])
            connection.settimeout(chance.random() * 0.2 + 0.001)
            try:
                connection.recv(chance.choice([1, 100_000]))
            except TimeoutError:
                pass
        load.counts["left"] += 1


def read_slowly(load: Load, chance: random.Random) -> None:
    """Call with a small window, and read the answer in pieces."""
    while load.lasts:
        asked = question(chance)
        with small_window(load.served) as connection:
            connection.sendall(asked.head + asked.body)
            time.sleep(chance.random() * 0.5)
            load.note(asked, read_answer(connection))


def small_window(served: Served) -> socket.socket:
    """Return a connection that takes few bytes before they are read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.settimeout(SECONDS)
    connection.connect(("127.0.0.1", served.port))
    return connection


def take_too_long(load: Load, chance: random.Random) -> None:
    """Call now and then what the server has to stop."""
    form, x = FORMS[0], np.zeros(2)
    asked = Question(form=form, x=x, body=form.write(x, 600.0))
    while load.lasts:
        answer = load.served.request("POST", "/apply", asked.body, asked.headers)
        load.note(asked, answer)
        load.pause(_BETWEEN_LONG_CALLS)


def kill(load: Load, chance: random.Random) -> None:
    """Kill a worker from time to time."""
    while load.lasts:
        workers = load.served.workers()
        if workers:
            victim = chance.choice(workers)
            victim.send_signal(signal.SIGKILL)
            load.counts["killed"] += 1
        load.pause(_BETWEEN_KILLS)


def loaded(served: Served, roles: Sequence[Role], *, seconds: float, seed: int) -> Load:
    """Run clients for some seconds and return their results."""
    load = Load(served=served, end=time.monotonic() + seconds)

    def play(role: Role, number: int) -> None:
        try:
            role(load, random.Random(1000 * seed + number))
        except (OSError, HTTPException, ValueError, KeyError) as error:
            load.faults.append(f"{role.__name__}: {error!r}")

    threads = [threading.Thread(target=play, args=(r, n)) for n, r in enumerate(roles)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load
