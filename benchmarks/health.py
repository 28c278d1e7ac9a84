"""The time of `GET /health` while the server is busy."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing.synchronize import Event

from benchmarks.connection import Connection
from benchmarks.environments import Environments
from benchmarks.large_calls import large_connection
from benchmarks.servers import Server, served
from benchmarks.small_calls import small_body
from benchmarks.study import OURS, Goal, Row, Study, Turn

_SECONDS = 3.0
_PAUSE = 0.004  # seconds between requests

_JSON = {"Content-Type": "application/json"}

Clients = Callable[[Server], list[Connection]]
"""Connects the clients of a load."""


def _computing(server: Server) -> list[Connection]:
    return [Connection(server.port, "/apply", b'{"inputs": {"seconds": 0.5}}', _JSON)]


def _many(server: Server) -> list[Connection]:
    return [Connection(server.port, "/apply", small_body(), _JSON) for _ in range(8)]


def _large(server: Server) -> list[Connection]:
    return [large_connection(server)]


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    with served(environments.ours, "busy") as busy, served(environments.ours, "double") as double:

        def turn() -> dict[str, float]:
            computing = _waited(busy, _computing)
            return {
                "longest, during a call that holds the interpreter lock": max(computing),
                "p99, during a call that holds the interpreter lock": _p99(computing),
                "p99, during small calls of 8 clients": _p99(_waited(double, _many)),
                "p99, during calls of 80 MB each way": _p99(_waited(double, _large)),
            }

        yield {OURS: turn}


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1]


def _waited(server: Server, clients: Clients) -> list[float]:
    """Measure the milliseconds of requests while clients in another process call."""
    context = multiprocessing.get_context("spawn")
    begun, ended = context.Event(), context.Event()
    load = context.Process(target=partial(_call, server, clients, begun, ended), daemon=True)
    load.start()
    begun.wait()
    waited, end = [], time.monotonic() + _SECONDS
    connection = Connection(server.port, "/health")
    while time.monotonic() < end:
        start = time.perf_counter()
        connection.call()
        waited.append(1e3 * (time.perf_counter() - start))
        time.sleep(_PAUSE)
    ended.set()
    load.join()
    return waited


def _call(server: Server, clients: Clients, begun: Event, ended: Event) -> None:
    connections = clients(server)
    for connection in connections:
        connection.send()
    begun.set()
    while not ended.is_set():
        for connection in connections:
            connection.receive()
            connection.send()
    for connection in connections:
        connection.receive()


_GOALS = [Goal(bound=10)]

HEALTH = Study(
    name="Health",
    about="`GET /health` over a kept connection every few milliseconds, while one worker computes.",
    rows=[
        Row(
            name="longest, during a call that holds the interpreter lock",
            unit="ms",
            goals=[Goal(bound=20)],
        ),
        Row(name="p99, during a call that holds the interpreter lock", unit="ms", goals=_GOALS),
        Row(name="p99, during small calls of 8 clients", unit="ms", goals=_GOALS),
        Row(name="p99, during calls of 80 MB each way", unit="ms", goals=_GOALS),
    ],
    sides=_sides,
    turns=3,
)
