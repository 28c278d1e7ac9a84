"""Streams: stdout holds the result and nothing else, whatever prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli, clean_environment
from tests.patience import SECONDS

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0, 2.0]}}'
RESULT = (
    '{"y":{"object_type":"array","shape":[2],"dtype":"float64",'
    '"data":{"buffer":[2.0,4.0],"encoding":"json"}}}\n'
)

NOISY = """
import atexit, ctypes, os, subprocess, sys
from pydantic import BaseModel
from runtime_core import Array, Float64

libc = ctypes.CDLL(None)

def print_everywhere(place):
    print("python", place)
    libc.printf(f"C {place}\\n".encode())
    os.write(1, f"descriptor {place}\\n".encode())
    subprocess.run(["echo", "subprocess", place])
    print("stdout", place, file=sys.__stdout__)

atexit.register(print_everywhere, "at exit")
print_everywhere("at import")

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    print_everywhere("in apply")
    return OutputSchema(y=2 * inputs.x)
"""


def test_stdout_holds_the_result_alone(cli: Cli, tesseract: Tesseract) -> None:
    """Output of Python, C, descriptors and subprocesses goes to stderr at any time."""
    ended = cli("--api-path", str(tesseract(NOISY)), "apply", PAYLOAD)
    assert (ended.returncode, ended.stdout) == (0, RESULT)
    assert set(ended.stderr.splitlines()) == {
        f"{who} {place}"
        for who in ("python", "C", "descriptor", "subprocess", "stdout")
        for place in ("at import", "in apply", "at exit")
    }


@pytest.mark.parametrize("command", ["input-schema", "output-schema", "openapi-schema"])
def test_stdout_of_other_commands_is_as_clean(cli: Cli, tesseract: Tesseract, command: str) -> None:
    """A document of another command is not mixed with the prints of the import."""
    ended = cli("--api-path", str(tesseract(NOISY)), command)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)


def test_check_prints_its_report_alone(cli: Cli, tesseract: Tesseract) -> None:
    """`check` prints what is served, and the import prints elsewhere."""
    ended = cli("--api-path", str(tesseract(NOISY)), "check")
    first, *others = ended.stdout.splitlines()
    assert first == "tesseract_api.py is a valid Tesseract."
    assert "  apply: served" in others
    assert all(re.match(r"  [\w, ]+: (served( by [\w-]+)?$|not served: )", line) for line in others)


def test_help_is_printed_alone(cli: Cli, tesseract: Tesseract) -> None:
    """Help goes to stdout, without the output of the import."""
    ended = cli("--api-path", str(tesseract(NOISY)), "apply", "--help")
    assert ended.returncode == 0
    assert ended.stdout.startswith("Usage: tesseract-runtime apply")
    assert "at import" not in ended.stdout


def test_thread_that_still_prints_stays_out_of_the_result(cli: Cli, tesseract: Tesseract) -> None:
    """A thread of user code that prints while the result is written does not spoil it."""
    source = """
        import os, threading
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            pass

        class OutputSchema(BaseModel):
            text: str

        def chatter():
            while True:
                os.write(1, b"!")

        def apply(inputs):
            threading.Thread(target=chatter, daemon=True).start()
            return OutputSchema(text="t" * 10_000_000)
    """
    ended = cli("--api-path", str(tesseract(source)), "apply", '{"inputs": {}}')
    assert ended.returncode == 0
    assert ended.stdout.count("!") == 0
    assert ended.stdout == '{"text":"%s"}\n' % ("t" * 10_000_000)


def test_prints_of_a_failing_tesseract_go_to_stderr(cli: Cli, tesseract: Tesseract) -> None:
    """A command that fails has nothing on stdout."""
    source = NOISY.replace("return OutputSchema", "raise RuntimeError")
    ended = cli("--api-path", str(tesseract(source)), "apply", PAYLOAD)
    assert (ended.returncode, ended.stdout) == (1, "")


def test_user_code_may_replace_stdout(cli: Cli, tesseract: Tesseract) -> None:
    """A `sys.stdout` that user code has exchanged does not swallow the result."""
    source = NOISY.replace("libc = ", "sys.stdout = open(os.devnull, 'w')\nlibc = ")
    ended = cli("--api-path", str(tesseract(source)), "apply", PAYLOAD)
    assert (ended.returncode, ended.stdout) == (0, RESULT)


def run_with_stdout(stdout: int, api_path: Path, payload: str) -> tuple[int, str]:
    """Run `apply` with a given stdout and return exit code and stderr."""
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("tesseract-runtime")), "apply", payload],
        env=clean_environment() | {"TESSERACT_API_PATH": str(api_path)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("count", [1, 100_000])
def test_reader_that_has_gone_is_no_incident(tesseract: Tesseract, count: int) -> None:
    """When stdout is closed, the command ends in silence."""
    reading, writing = os.pipe()
    os.close(reading)
    payload = json.dumps({"inputs": {"x": [1.0] * count}})
    with open(writing, "wb") as pipe:
        path = tesseract()
        path.with_name("payload.json").write_text(payload)
        code, stderr = run_with_stdout(pipe.fileno(), path, f"@{path.with_name('payload.json')}")
    assert stderr == ""
    assert code in (0, 141)


def test_full_disk_is_told(tesseract: Tesseract) -> None:
    """A result that cannot be written is an error in one line."""
    with open("/dev/full", "wb") as full:
        code, stderr = run_with_stdout(full.fileno(), tesseract(), PAYLOAD)
    assert code != 0
    assert "No space left on device" in stderr
    assert "Traceback" not in stderr
    assert "fault of the runtime" not in stderr


def test_closed_stdout_is_no_traceback(tesseract: Tesseract) -> None:
    """A command whose stdout is closed, as by some schedulers, does not end in a traceback."""
    program = Path(sys.executable).with_name("tesseract-runtime")
    ended = subprocess.run(
        ["sh", "-c", f'"{program}" apply "$0" -o out >&-', PAYLOAD],
        env=clean_environment() | {"TESSERACT_API_PATH": str(tesseract())},
        cwd=tesseract().parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "Traceback" not in ended.stderr


def test_unicode_is_written_as_utf_8(tesseract: Tesseract) -> None:
    """The result is UTF-8 whatever the terminal's encoding is."""
    source = """
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            x: str

        class OutputSchema(BaseModel):
            y: str

        def apply(inputs):
            print(inputs.x)
            return OutputSchema(y=inputs.x)
    """
    ended = subprocess.run(
        [
            str(Path(sys.executable).with_name("tesseract-runtime")),
            "apply",
            '{"inputs": {"x": "Δ→"}}'.encode(),
        ],
        env=clean_environment()
        | {"TESSERACT_API_PATH": str(tesseract(source)), "LC_ALL": "C.UTF-8"},
        capture_output=True,
    )
    assert ended.stdout == '{"y":"Δ→"}\n'.encode()
