"""The standard streams of user code, shown on the stderr of the supervisor."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

import psutil
import pytest

from runtime_core.contracts import Reply
from runtime_core.workers import WorkerPool
from runtime_core.workers.captured_output import CapturedOutput
from tests.patience import until
from tests.server.conftest import GATED
from tests.workers.conftest import OBEDIENT, Pool, call_of, computed, replies, told

if TYPE_CHECKING:
    from tests.server.conftest import Gate

Captured = pytest.CaptureFixture[str]

PRINTING = {
    "print": "print('shown')",
    "stderr": "sys.stderr.write('shown')",
    "without an end of line": "sys.stdout.write('shown')",
    "a program": "subprocess.run(['echo', 'shown'])",
    "C": "ctypes.CDLL(None).printf(b'shown')",
    "the descriptor": "os.write(1, b'shown')",
    "another stream": "os.fdopen(os.dup(1), 'w').write('shown')",
}


@pytest.mark.parametrize("statement", PRINTING.values(), ids=PRINTING)
def test_output_is_shown_on_stderr(pool: Pool, capfd: Captured, statement: str) -> None:
    """All output of a call goes to stderr, from any writer and either stream."""
    [answer] = asyncio.run(replies(pool(OBEDIENT), told(statement)))
    assert answer.fault is None
    shown = capfd.readouterr()
    assert (shown.out, shown.err.strip()) == ("", "shown")


def test_output_of_loading_is_shown(pool: Pool, capfd: Captured) -> None:
    """Output during import and `setup` is shown too."""
    source = f"{OBEDIENT}\nprint('imported')\ndef setup(): print('set up')\n"
    asyncio.run(replies(pool(source)))
    assert capfd.readouterr().err == "imported\nset up\n"


def test_output_of_calls_is_shown_in_order(pool: Pool, capfd: Captured) -> None:
    """Each call's output is whole, and comes before that of the next."""
    calls = [told(f"[print({n}) for _ in range(100)]") for n in range(5)]
    asyncio.run(replies(pool(OBEDIENT), *calls))
    assert capfd.readouterr().err == "".join(f"{n}\n" * 100 for n in range(5))


def test_much_output_blocks_nothing(pool: Pool, capfd: Captured) -> None:
    """C code that prints megabytes while it holds the GIL is not blocked."""
    statement = "ctypes.PyDLL(None).write(1, b'x' * 5_000_000, 5_000_000)"
    [answer] = asyncio.run(replies(pool(OBEDIENT), told(statement)))
    assert answer.fault is None
    assert capfd.readouterr().err == "x" * 5_000_000


def test_output_is_shown_during_a_long_call(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str], capfd: Captured
) -> None:
    """The output of a long call is shown while it runs."""
    source = GATED.replace("def apply", "def wait")
    source += "\ndef apply(inputs):\n    print('half way')\n    return wait(inputs)\n"

    async def watch(workers: WorkerPool) -> Reply:
        shown: list[str] = []

        def has_shown() -> bool:
            shown.append(capfd.readouterr().err)
            return any(shown)

        async with workers:
            call = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            await asyncio.to_thread(gate.wait_until_entered)
            await until(has_shown)
            assert (shown[-1], call.done()) == ("half way\n", False)
            gate.open()
            return await call

    assert asyncio.run(watch(pool(source))).fault is None


def test_output_between_calls_is_shown(pool: Pool, capfd: Captured) -> None:
    """Output of a thread after its call has been answered is shown."""
    statement = "threading.Timer(0.3, lambda: print('afterwards', flush=True)).start()"

    async def wait(workers: WorkerPool) -> None:
        async with workers:
            await computed(workers, told(statement))
            await until(lambda: "afterwards" in capfd.readouterr().err)

    asyncio.run(wait(pool(OBEDIENT)))


def test_output_of_a_worker_that_dies_is_shown_once(pool: Pool, capfd: Captured) -> None:
    """The caller gets the end of the output, the operator all of it."""
    asyncio.run(replies(pool(OBEDIENT), told("print('last words'); os._exit(1)")))
    assert capfd.readouterr().err == "last words\n"


@pytest.mark.parametrize(
    "statement",
    [
        "sys.stdout.close(); sys.stderr.close()",
        "sys.stdout = sys.stderr = None",
        "os.close(1); os.close(2)",
        "sys.stdout = type('Stream', (), {'flush': lambda self: 1 / 0})()",
    ],
)
def test_streams_that_user_code_has_spoilt_cost_no_call(pool: Pool, statement: str) -> None:
    """A worker answers this call and the next after user code has changed its streams."""
    answers = asyncio.run(replies(pool(OBEDIENT), told(statement), told()))
    assert [answer.fault for answer in answers] == [None, None]


def test_calls_leave_no_descriptors(pool: Pool) -> None:
    """The files of the output are closed in the supervisor and the worker."""

    async def many(workers: WorkerPool) -> list[tuple[int, int]]:
        counts = []
        async with workers:
            [worker] = workers._ready
            for _ in range(3):
                for _ in range(10):
                    await computed(workers, told("print('x')"))
                await until(
                    lambda: not any("finish" in repr(task) for task in workers._background_tasks)
                )
                counts.append((open_of(os.getpid()), open_of(worker._process.pid)))
        return counts

    _, first, last = asyncio.run(many(pool(OBEDIENT)))
    more = [after - before for before, after in zip(first, last, strict=True)]
    assert max(more) < 10  # so many calls; what earlier tests have left is closed at any time


def open_of(pid: int) -> int:
    """Return the number of open descriptors of a process."""
    return psutil.Process(pid).num_fds()


def test_tail_ends_with_the_last_words() -> None:
    """The tail of a file is its last whole lines, up to a number of bytes."""

    async def tails() -> list[str]:
        streams = CapturedOutput()
        os.write(streams.descriptor, "".join(f"line {n}\n" for n in range(100)).encode())
        found = [streams.tail(size) for size in (18, 10_000)]
        await streams.finish()
        return found

    short, long = asyncio.run(tails())
    assert short == "line 98\nline 99\n"
    assert len(re.findall("line", long)) == 100
