"""Workers that die: the cost, and their replacement."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from runtime_core.contracts import Reply
from runtime_core.errors import FaultKind
from runtime_core.run_logs.text_log import append_text
from runtime_core.workers import WorkerPool
from runtime_core.workers import captured_output as captured_output_module
from runtime_core.workers import pool as pool_module
from runtime_core.workers import worker_output as worker_output_module
from runtime_core.workers.captured_output import CapturedOutput
from runtime_core.workers.worker_process import WorkerProcess
from tests.patience import patient, until
from tests.server.conftest import GATED, wait_until_gone
from tests.workers.conftest import (
    OBEDIENT,
    Pool,
    both_loops,
    call_of,
    computed,
    fault_text,
    pid_of,
    replies,
    run,
    told,
    tree,
)

if TYPE_CHECKING:
    from tests.server.conftest import Gate

DEATHS = [
    ("os._exit(3)", "exit code 3"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL"),
    ("ctypes.string_at(0)", "signal SIGSEGV"),
    ("ctypes.CDLL(None).abort()", "signal SIGABRT"),
]


def output_of(reply: Reply) -> str:
    """Return the end of the output of a worker that has died, which callers do not see."""
    fault_text(reply, FaultKind.WORKER_DIED)
    assert reply.fault is not None
    return reply.fault.trace


@pytest.mark.parametrize(("statement", "reason"), DEATHS)
def test_death_costs_the_call_that_was_computed(pool: Pool, statement: str, reason: str) -> None:
    """A call that ends its process is a fault that names the cause; its neighbours succeed."""
    calls = [told(), told(f"print('last words'); {statement}"), told(), told()]
    before, died, *after = asyncio.run(replies(pool(OBEDIENT), *calls))
    message = fault_text(died, FaultKind.WORKER_DIED)
    assert message == f"The worker process ended during the call ({reason})."
    assert output_of(died) == "last words"
    assert pid_of(before) not in [pid_of(answer) for answer in after]


def test_only_the_end_of_much_output_is_told(pool: Pool) -> None:
    """The message of a death has the last lines of the output."""
    statement = "[print('line', n) for n in range(10_000)]; os._exit(1)"
    [died] = asyncio.run(replies(pool(OBEDIENT), told(statement)))
    assert output_of(died).endswith("line 9998\nline 9999")
    assert len(output_of(died)) < 3000


def test_end_of_a_long_line_is_told(pool: Pool) -> None:
    """The last output of a process is reported even without a line break."""
    statement = "sys.stderr.write('x' * 10_000 + 'the end'); sys.stderr.flush(); os._exit(1)"
    [died] = asyncio.run(replies(pool(OBEDIENT), told(statement)))
    assert output_of(died).endswith("the end")


def test_output_of_the_call_before_is_not_told(pool: Pool) -> None:
    """The reported output is that of the failed call."""
    calls = [told("print('of the first')"), told("os._exit(1)")]
    _, died = asyncio.run(replies(pool(OBEDIENT), *calls))
    assert output_of(died) == ""


def test_death_of_one_worker_leaves_the_others_alone(
    pool: Pool, gate: Gate, gate_inputs: dict[str, str]
) -> None:
    """A call in another worker is not affected by a death."""
    source = GATED.replace("def apply", "def wait").replace(
        "    release: str", "    release: str\n    end: bool = False"
    )
    source += "\ndef apply(inputs):\n    return os._exit(1) if inputs.end else wait(inputs)\n"

    async def beside(workers: WorkerPool) -> tuple[Reply, Reply]:
        async with workers:
            running = asyncio.create_task(computed(workers, call_of(gate_inputs)))
            await asyncio.to_thread(gate.wait_until_entered)
            died = await computed(workers, call_of({**gate_inputs, "end": True}))
            gate.open()
            return died, await running

    died, running = asyncio.run(beside(pool(source, size=2)))
    fault_text(died, FaultKind.WORKER_DIED)
    assert running.fault is None


@pytest.mark.parametrize(("size", "killed"), [(1, 1), (3, 3), (6, 2)])
def test_workers_that_die_idle_are_replaced(pool: Pool, size: int, killed: int) -> None:
    """Any number of workers that end while idle are replaced before the next call."""

    async def kill(workers: WorkerPool) -> tuple[set[int], set[int]]:
        async with workers:
            victims = set(sorted(pids(workers))[-killed:])  # those that were started last
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            await until(lambda: len(pids(workers)) == size and not pids(workers) & victims)
            assert workers.problem is None
            assert (workers.load.idle, workers.load.restarts) == (size, killed)
            answers = [computed(workers, told("time.sleep(0.05)")) for _ in range(size)]
            return victims, {pid_of(answer) for answer in await asyncio.gather(*answers)}

    victims, pids_after = asyncio.run(kill(pool(OBEDIENT, size=size)))
    assert not victims & pids_after


def pids(workers: WorkerPool) -> set[int]:
    """Return the processes of the workers that can compute."""
    return {worker._process.pid for worker in workers._ready}


def test_killed_worker_gets_no_further_call(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed just after its reply is replaced."""
    supply_in_time = WorkerPool.supply

    def supply_too_late(workers: WorkerPool, worker: WorkerProcess) -> None:
        if [q.call.run_id for q in workers._calls if q.worker is worker] == ["late"]:
            worker.kill()
        supply_in_time(workers, worker)

    async def in_turn(workers: WorkerPool) -> list[int]:
        async with workers:
            return [pid_of(await computed(workers, told(run_id=name))) for name in ("late", "next")]

    monkeypatch.setattr(WorkerPool, "supply", supply_too_late)
    first, second = asyncio.run(in_turn(pool(OBEDIENT)))
    assert first != second


def test_calls_wait_for_the_new_worker(pool: Pool) -> None:
    """Calls that arrive while the only worker is replaced are computed once it has loaded."""

    async def in_between(workers: WorkerPool) -> list[Reply]:
        async with workers:
            await computed(workers, told("os._exit(1)"))
            await until(lambda: workers.problem == "The worker is being replaced.")
            answers = [computed(workers, told(number=n)) for n in range(3)]
            return await asyncio.gather(*answers)

    answers = asyncio.run(in_between(pool(OBEDIENT)))
    assert len({pid_of(answer) for answer in answers}) == 1


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace dead workers without pauses."""
    monkeypatch.setattr(pool_module, "_PAUSES", (0.0, 0.0, 0.0))


BROKEN = [
    ("raise RuntimeError('out of order')", "RuntimeError: out of order"),
    ("import os; os._exit(4)", "exit code 4"),
    ("def setup(): raise OSError('no licence')", "OSError: no licence"),
]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("addition", "reason"), BROKEN)
def test_worker_that_cannot_load_again_is_given_up(pool: Pool, addition: str, reason: str) -> None:
    """After some attempts waiting and new calls are refused."""

    async def break_down(workers: WorkerPool) -> list[Reply]:
        async with workers:
            api_path = Path(workers._settings.config["api_path"])
            api_path.write_text(f"{OBEDIENT}\n{addition}\n", encoding="utf-8")
            waiting = [computed(workers, told("os._exit(1)")), computed(workers, told())]
            _, refused = await asyncio.gather(*waiting)
            assert workers.problem is not None
            assert reason in workers.problem
            return [refused, await computed(workers, told())]

    for refused in asyncio.run(break_down(pool(OBEDIENT))):
        message = fault_text(refused, FaultKind.WORKERS_LOST)
        assert message.startswith("No worker is left, and none could be loaded in 3 attempts: ")
        assert reason in message
        assert message.endswith("Start the server again.")


@pytest.mark.usefixtures("no_pauses")
def test_worker_that_loads_at_a_later_attempt_computes(pool: Pool, tmp_path: Path) -> None:
    """A file that is broken for a moment only delays calls."""
    counter = tmp_path / "starts"
    source = f"""
from pathlib import Path
counter = Path({str(counter)!r})
counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
if len(counter.read_text()) in (2, 3):
    raise RuntimeError("out of order")
{OBEDIENT}
"""
    calls = [told("os._exit(1)"), told()]
    _, answer = asyncio.run(replies(pool(source), *calls))
    assert answer.fault is None
    assert counter.read_text() == "xxxx"


def test_processes_of_user_code_end_with_their_worker(pool: Pool) -> None:
    """Background processes of user code do not outlive the pool."""
    statement = "subprocess.Popen(['sleep', '600'])"

    async def start(workers: WorkerPool) -> list[psutil.Process]:
        async with workers:
            pid = pid_of(await computed(workers, told(statement)))
            return psutil.Process(pid).children()

    started = asyncio.run(start(pool(OBEDIENT)))
    assert len(started) == 1
    wait_until_gone(started)


STRAY_REPLY = """
import gc, struct
gc.unfreeze()
[connection] = [o for o in gc.get_objects() if type(o).__name__ == "socket" and o.type == 1]
connection.sendall({message})
"""

STRAY_MESSAGES = {
    "the reply to another call": """
struct.pack(">4sBBHI", b"TRW1", 6, 0, 4, 1000) + struct.pack(">4Q", 9, 0, 0, 0) + bytes(9)
""",
    "no message": 'b"not a message"',
    "the beginning of none": 'b"TR!"',
}


@pytest.mark.parametrize("message", STRAY_MESSAGES.values(), ids=STRAY_MESSAGES)
def test_answer_that_is_not_to_the_call_ends_the_worker(pool: Pool, message: str) -> None:
    """Other bytes on the connection of a worker end it, and the next call is right."""
    stray = told(STRAY_REPLY.format(message=message.strip()))
    died, alive = asyncio.run(replies(pool(OBEDIENT), stray, told(number=3)))
    fault_text(died, FaultKind.WORKER_DIED)
    assert tree(alive)["run"] == [3]


@pytest.mark.parametrize("statement", ["os.fork()", "os.fork() or 1 / 0", "os.fork() and 1 / 0"])
def test_fork_that_comes_back_answers_nobody(pool: Pool, statement: str) -> None:
    """A fork of the worker that returns from user code answers neither this call nor the next."""
    calls = [told(statement, run_id="forks")]
    calls += [told("time.sleep(0.05)", number=n, run_id=str(n)) for n in range(5)]
    _, *others = asyncio.run(replies(pool(OBEDIENT), *calls))
    assert [tree(answer)["run"][-1] for answer in others] == list(range(5))
    assert [answer.run_id for answer in others] == [str(n) for n in range(5)]
    assert len({pid_of(answer) for answer in others}) == 1


@both_loops
@pytest.mark.usefixtures("unheard")
def test_worker_may_die_after_its_answer(pool: Pool, loop: str) -> None:
    """An answered call succeeds even if its worker dies while the log is written."""
    statement = "print('x' * 50_000_000); threading.Timer(0.02, os._exit, [3]).start()"

    async def die(workers: WorkerPool) -> tuple[Reply, Reply]:
        async with workers:
            [mortal] = workers._ready
            answered = await computed(workers, told(statement))
            await until(lambda: workers._ready and mortal not in workers._ready)
            return answered, await computed(workers, told())

    answered, after = run(loop, die(pool(OBEDIENT)))
    assert after.fault is None
    assert answered.fault is None or answered.fault.kind is FaultKind.WORKER_DIED


@both_loops
def test_time_may_end_while_the_log_is_written(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    """A slow disk for its log does not fail a call."""
    keep_in_time = append_text

    def keep_slowly(path: Path, text: bytes) -> None:
        time.sleep(patient(1.1))
        keep_in_time(path, text)

    monkeypatch.setattr(captured_output_module, "append_text", keep_slowly)
    calls = [told("print('x')"), told()]
    for reply in run(loop, replies(pool(OBEDIENT, timeout=patient(1.0)), *calls)):
        assert reply.fault is None


@both_loops
def test_call_that_cannot_begin_costs_no_worker(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    """A call fails when the server has too many files open; the following ones succeed."""

    def fail() -> CapturedOutput:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def too_many(workers: WorkerPool) -> list[Reply]:
        async with workers:
            await computed(workers, told("print('x')"))
            with monkeypatch.context() as patch:
                patch.setattr(worker_output_module, "CapturedOutput", fail)
                for reply in await asyncio.gather(*(computed(workers, told()) for _ in range(3))):
                    assert "Too many open files" in fault_text(reply, FaultKind.QUEUE_FULL)
            return [await computed(workers, told("print('y')")) for _ in range(3)]

    assert [pid_of(reply) for reply in run(loop, too_many(pool(OBEDIENT)))]
