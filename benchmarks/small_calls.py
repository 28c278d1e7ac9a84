"""Small calls over HTTP: 16 floats as JSON, over kept connections."""

from __future__ import annotations

import json
import re
import select
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.environments import Environments
from benchmarks.scratch_plugin import write_plugin
from benchmarks.servers import PEERS, Server, running, served
from benchmarks.study import ORIGINAL, OURS, Goal, Row, Study, Turn

STUB = "stub"
UM_BRIDGE = "UM-Bridge"
AS_UM_BRIDGE = "its routes of UM-Bridge"
RAW_ASGI = "raw ASGI"

_VALUES = [number / 7 for number in range(16)]
_JSON = {"Content-Type": "application/json"}
_UM_BRIDGE_BODY = json.dumps({"name": "forward", "input": [_VALUES], "config": {}}).encode()

_WARM = 10  # calls after the other sides' turns
_CALLS = 200
_CALLS_AT_ONCE = 800
_STAGE = re.compile(rb"([\w-]+);dur=([\d.e+-]+)")

STAGES = ("queue", "decode", "compute", "encode")


def small_body() -> bytes:
    """Write the payload of a small call."""
    data = {"buffer": _VALUES, "encoding": "json"}
    array = {"object_type": "array", "shape": [16], "dtype": "float64", "data": data}
    return json.dumps({"inputs": {"x": array}}).encode()


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    ours, peers, original = environments.ours, environments.peers, environments.original
    um_bridge = [str(peers), str(PEERS / "um_bridge.py"), "PORT"]
    echo = [str(peers), "-m", "uvicorn", "raw_asgi:application", f"--app-dir={PEERS}"]
    echo += ["--port=PORT", "--log-level=critical", "--no-access-log"]
    with ExitStack() as stack:
        plugin = stack.enter_context(_stub())
        stub = stack.enter_context(served(ours, "double", {"PYTHONPATH": plugin}))
        sides = {
            STUB: _Side(stub, "/apply"),
            OURS: _Side(stack.enter_context(served(ours, "double")), "/apply"),
            AS_UM_BRIDGE: _Side(
                stack.enter_context(served(ours, "double", {"TESSERACT_UMBRIDGE": "1"})),
                "/Evaluate",
                _UM_BRIDGE_BODY,
            ),
            UM_BRIDGE: _Side(
                stack.enter_context(running(um_bridge, {})), "/Evaluate", _UM_BRIDGE_BODY
            ),
            RAW_ASGI: _Side(stack.enter_context(running(echo, {})), "/"),
        }
        if sides[STUB].answer == sides[OURS].answer:
            raise RuntimeError("peers/stub.py names parts of the runtime that have moved")
        if original is not None:
            sides[ORIGINAL] = _Side(stack.enter_context(served(original, "double")), "/apply")
        yield {name: side.turn for name, side in sides.items()}


@contextmanager
def _stub() -> Iterator[str]:
    """Write the plugin of the stub into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        write_plugin(Path(folder), "stub", (PEERS / "stub.py").read_text(encoding="utf-8"))
        yield folder


class _Side:
    """One server, whose calls are measured in blocks."""

    def __init__(self, server: Server, path: str, body: bytes = small_body()) -> None:
        self._server = server
        self._request = (server.port, path, body, _JSON)
        self._connection = Connection(*self._request)
        for _ in range(50):
            self._connection.call()
        self.answer = bytes(self._connection.body)

    def turn(self) -> dict[str, float]:
        """Measure one block of calls of one client, one of 8 and one of 16."""
        numbers = {**self._one_client(), **self._clients(8), **self._clients(16)}
        one, eight = (numbers[_processor_time(count)] for count in (1, 8))
        return {**numbers, _EIGHT_TO_ONE: eight / one}

    def _one_client(self) -> dict[str, float]:
        self._connection.reconnect()
        for _ in range(_WARM):
            self._connection.call()
        heads, seconds = [], []
        before = self._server.processor_seconds()
        for _ in range(_CALLS):
            start = time.perf_counter()
            heads.append(self._connection.call())
            seconds.append(time.perf_counter() - start)
        used = self._used(before, _CALLS)
        return {
            "one client, median": 1e6 * statistics.median(seconds),
            "one client, fastest": 1e6 * min(seconds),
            _processor_time(1): sum(used),
            "in the first process": used[0],
            "in its children": sum(used[1:]),
            **_stages(heads),
        }

    def _clients(self, count: int) -> dict[str, float]:
        clients = {
            each.fileno(): each for each in (Connection(*self._request) for _ in range(count))
        }
        for client in clients.values():
            client.call()
        before, start, done = self._server.processor_seconds(), time.perf_counter(), 0
        for client in clients.values():
            client.send()
        while done < _CALLS_AT_ONCE:
            for ready in select.select(list(clients), [], [])[0]:
                clients[ready].receive()
                clients[ready].send()
                done += 1
        seconds, used = time.perf_counter() - start, self._used(before, done)
        for client in clients.values():
            client.receive()
            client.close()
        return {f"{count} clients": done / seconds, _processor_time(count): sum(used)}

    def _used(self, before: list[float], calls: int) -> list[float]:
        """Compute the microseconds of processor time a call, by process."""
        after = self._server.processor_seconds()
        return [1e6 * (new - old) / calls for old, new in zip(before, after, strict=True)]


def _stages(heads: list[bytes]) -> dict[str, float]:
    """Compute the median microseconds of the stages that answers name, if they do."""
    found = defaultdict(list)
    for head in heads:
        _, _, timing = head.lower().partition(b"server-timing:")
        for stage, milliseconds in _STAGE.findall(timing.partition(b"\r\n")[0]):
            found[stage.decode()].append(1e3 * float(milliseconds))
    return {_stage(name): statistics.median(found[name]) for name in STAGES if name in found}


def _stage(name: str) -> str:
    return f"stage {name}"


def _processor_time(clients: int) -> str:
    return f"processor time a call, {clients} client{'s' if clients > 1 else ''}"


_EIGHT_TO_ONE = "processor time at 8 clients, of that at one"

SMALL_CALLS = Study(
    name="Small calls",
    about="16 floats as JSON over kept connections, one worker, default options. The stub is this "
    "front and this worker with validation, run ids and log lines replaced by nothing; UM-Bridge "
    "runs the model in a process of its own and validates nothing, and is called by its own "
    "protocol, as are the routes of `--umbridge`; raw ASGI is an echo on uvicorn, without a "
    "worker. Stages are those of the header `Server-Timing`.",
    rows=[
        Row(
            name="one client, median",
            unit="us",
            goals=[Goal(bound=0.9, of=UM_BRIDGE), Goal(bound=0.3, of=ORIGINAL)],
        ),
        Row(name="one client, fastest", unit="us"),
        Row(name=_processor_time(1), unit="us", goals=[Goal(bound=1.0, of=UM_BRIDGE)]),
        Row(name="in the first process", unit="us"),
        Row(name="in its children", unit="us"),
        *(Row(name=_stage(name), unit="us") for name in STAGES),
        *(
            Row(
                name=f"{count} clients",
                unit="calls/s",
                goals=[
                    Goal(bound=1.2, of=UM_BRIDGE, at_least=True),
                    Goal(bound=4, of=ORIGINAL, at_least=True),
                ],
            )
            for count in (8, 16)
        ),
        *(Row(name=_processor_time(count), unit="us") for count in (8, 16)),
        Row(name=_EIGHT_TO_ONE, unit="", goals=[Goal(bound=0.75)]),
    ],
    sides=_sides,
    turns=12,
)
