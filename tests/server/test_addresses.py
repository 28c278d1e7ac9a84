"""Serving on a Unix socket: its path, its mode, and the sockets that others have left."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from runtime_core.errors import InvalidOption
from runtime_core.server.addresses import UnixAddress
from tests.conftest import DOUBLE, Cli
from tests.patience import SECONDS
from tests.server.conftest import Answer, Log, exchange, started

Tesseract = Callable[..., Path]


@pytest.fixture
def path() -> Iterator[Path]:
    """Return a path that is short enough for a socket."""
    with TemporaryDirectory() as folder:
        yield Path(folder, "model.sock")


@contextmanager
def serving_at(path: Path, tesseract: Path, *options: str) -> Iterator[int]:
    """Serve on a socket and yield the id of the process, which has ended by itself afterwards."""
    arguments = ["serve", "--in-process", "--uds", str(path), *options]
    with started(tesseract, *arguments) as process:
        Log(process).wait_for(rf"Serving Tesseract on unix://{path} ")
        yield process.pid
        process.terminate()
        assert process.wait(SECONDS) in (0, -signal.SIGKILL)


def ask(
    path: Path,
    target: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Make one request at a socket, a POST if there is a body."""
    connection = HTTPConnection("localhost", timeout=SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    try:
        return exchange(connection, "POST" if body else "GET", target, body, headers)
    finally:
        connection.close()


def test_service_on_a_socket_is_for_its_user_alone(path: Path, tesseract: Tesseract) -> None:
    """HTTP is spoken on the path, only its user may connect, and it is gone at the end."""
    with serving_at(path, tesseract(DOUBLE)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        answer = ask(path, "/apply", '{"inputs": {"x": [1.5]}}')
        assert answer.json()["y"]["data"]["buffer"] == [3.0]
    assert not [*path.parent.iterdir()]


def test_keys_are_required_on_a_socket_too(path: Path, tesseract: Tesseract) -> None:
    """A key protects calls and not probes, as on a port; the mode lets a group in."""
    body = '{"inputs": {"x": [1.5]}}'
    with serving_at(path, tesseract(DOUBLE), "--api-key", "sesame", "--uds-mode", "0660"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert ask(path, "/health").status == 200
        assert ask(path, "/apply", body).status == 401
        key = {"Authorization": "Bearer sesame"}
        assert ask(path, "/apply", body, key).status == 200


def test_socket_of_a_killed_server_is_replaced(path: Path, tesseract: Tesseract) -> None:
    """A socket that a server could not remove does not prevent the next one."""
    with serving_at(path, tesseract(DOUBLE)) as process:
        os.kill(process, signal.SIGKILL)
    assert path.is_socket()
    with serving_at(path, tesseract(DOUBLE)):
        assert ask(path, "/health").status == 200


def test_socket_in_use_is_one_line(path: Path, cli_here: Cli, tesseract: Tesseract) -> None:
    """A socket on which another server listens is reported before anything is loaded."""
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        api_path = str(tesseract("raise RuntimeError"))
        ended = cli_here("--api-path", api_path, "serve", "--uds", str(path))
        assert path.is_socket()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: Cannot serve on {path}: another server listens there. Choose another with --uds.\n"
    )


def test_socket_with_a_full_queue_is_in_use(path: Path) -> None:
    """A server that is too busy to take connections is not taken for one that has ended."""
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(str(path))
        busy.listen(0)
        first.connect(str(path))
        with pytest.raises(InvalidOption, match="another server listens there"):
            UnixAddress(path, 0o600).__enter__()


def test_socket_taken_while_loading_is_in_use(path: Path) -> None:
    """A path that another server takes while the Tesseract loads is left to it."""
    with UnixAddress(path, 0o600) as address, UnixAddress(path, 0o600) as faster:
        faster.listen()
        with pytest.raises(InvalidOption, match="another server listens there"):
            address.listen()
    assert not path.exists()


def test_socket_of_another_server_is_not_removed(path: Path) -> None:
    """A server that ends leaves a socket that has taken the place of its own."""
    with UnixAddress(path, 0o600) as address:
        address.listen()
        path.unlink()
        with UnixAddress(path, 0o600) as other:
            other.listen()
            address.__exit__()
            assert path.is_socket()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file", "it exists and is not a socket"),
        ("link", "it exists and is not a socket"),
        ("none/model.sock", "No such file or directory"),
        ("x" * 200, "AF_UNIX path too long"),
    ],
)
def test_path_that_cannot_be_a_socket_is_named(path: Path, name: str, reason: str) -> None:
    """Files and links are kept; the message has the path, the reason and the next step."""
    path.with_name("file").write_text("kept")
    path.with_name("link").symlink_to(path)
    other = path.parent / name
    with pytest.raises(InvalidOption) as caught, UnixAddress(other, 0o600) as address:
        address.listen()
    assert str(caught.value) == f"Cannot serve on {other}: {reason}. Choose another with --uds."
    assert path.with_name("file").read_text() == "kept"


@pytest.mark.parametrize("mode", ["9", "1000", "-1", "rw", ""])
def test_mode_is_octal(mode: str, cli_here: Cli, tesseract: Tesseract, path: Path) -> None:
    """A value that is not a mode is refused by name."""
    arguments = ["serve", "--uds", str(path), f"--uds-mode={mode}"]
    ended = cli_here("--api-path", str(tesseract()), *arguments)
    assert ended.returncode == 2
    assert f"--uds-mode={mode!r}: a mode is an octal number from 0 to 777" in ended.stderr
