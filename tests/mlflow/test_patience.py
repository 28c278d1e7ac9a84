"""Slow, unreachable or strict servers are given up soon and reported in one sentence."""

from __future__ import annotations

import base64
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Parameter, Record, Run, RunHandle, RunStatus
from runtime_core.errors import RunNotLogged
from tests.mlflow.conftest import OpenRun
from tests.mlflow.test_runs import metric
from tests.mlflow.tracker import Tracker, tracking
from tests.ports import free_port


def open_at(catalog: Catalog, uri: str) -> RunHandle:
    """Open a run at a server."""
    config = resolve(catalog, flags={}, environment={})
    sink = catalog.run_sinks.find("mlflow")
    return sink.open(run=Run(id="r", endpoint="apply"), target=f"mlflow+{uri}", config=config)


def test_server_that_is_not_there_is_given_up_at_once(catalog: Catalog) -> None:
    """Nothing listens: the error says so, without a second attempt."""
    uri = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConnectionError) as caught:
        open_at(catalog, uri)
    assert str(caught.value).startswith(f"{uri} does not answer: Failed to establish a new conn")
    assert str(caught.value).endswith("Connection refused")


def test_server_that_says_nothing_is_given_up(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never answers is waited for as long as the variables say."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"{uri} does not answer: .*[Tt]imed out"):
            open_at(catalog, uri)


def test_environment_of_user_code_is_left_alone(opened: OpenRun) -> None:
    """Opening a run changes no variable: subprocesses of user code would inherit it."""
    before = dict(os.environ)
    opened()
    assert dict(os.environ) == before


def test_server_may_come_back(
    opened: OpenRun, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that the server did not take are written again, each once, and nothing is missing."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    run, handle = opened()
    records: list[Record] = [metric("loss", 1.0), Parameter(key="size", value=3)]
    tracker.signal(signal.SIGSTOP)
    try:
        with pytest.raises(ConnectionError, match="does not answer"):
            handle.write(records)
    finally:
        tracker.signal(signal.SIGCONT)
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    handle.write(records)
    handle.write([metric("loss", 2.0, step=1)])
    handle.close(RunStatus.FINISHED)
    found = tracker.run(run.id)
    assert tracker.history(found, "loss") == [(0, 1.0), (1, 2.0)]
    assert found.data.params == {"size": "3"}
    assert "tesseract.incomplete" not in found.data.tags


class Guard(BaseHTTPRequestHandler):
    """Passes requests with the right credentials on to a server."""

    credentials = base64.b64encode(b"ada:secret").decode()
    behind = ""

    def do_any(self) -> None:
        """Answer 401, or what the server answers."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Basic {self.credentials}":
            self._answer(401, b"<html>no</html>")
            return
        content = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        request = urllib.request.Request(
            self.behind + self.path, body or None, content, method=self.command
        )
        try:
            with urllib.request.urlopen(request) as answer:
                self._answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.read())

    do_GET = do_POST = do_PUT = do_any  # noqa: N815  # as http.server wants it

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def guarded(tracker: Tracker) -> Iterator[str]:
    """Ask for credentials in front of a server, as a proxy of an organisation does."""
    handler = type("GuardOfTracker", (Guard,), {"behind": tracker.uri})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def test_credentials_are_sent(
    catalog: Catalog, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name and password of the environment open a guarded server."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    with guarded(tracker) as uri:
        open_at(catalog, uri).close(RunStatus.FINISHED)


def test_wrong_credentials_are_told(
    catalog: Catalog, tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of a guarded server names the variables, and no secret."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "guess")
    with guarded(tracker) as uri:
        with pytest.raises(RunNotLogged) as caught:
            open_at(catalog, uri)
        assert str(caught.value) == (
            f"{uri} refuses: status 401. Check MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )


def test_something_else_than_mlflow_is_told(catalog: Catalog) -> None:
    """A server of something else gives a sentence too."""

    class Teapot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(418)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Teapot) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            uri = f"http://127.0.0.1:{server.server_address[1]}"
            with pytest.raises(RunNotLogged, match=f"{uri} refuses: .*418"):
                open_at(catalog, uri)
        finally:
            server.shutdown()


def test_server_may_be_restarted(catalog: Catalog, tmp_path: Path) -> None:
    """A run that was opened before a restart is written and closed after it."""
    port = free_port()
    with tracking(tmp_path, port) as first:
        handle = open_at(catalog, first.uri)
    with pytest.raises(ConnectionError):
        handle.write([metric("loss", 1.0)])
    with tracking(tmp_path, port) as second:
        handle.write([metric("loss", 2.0)])
        handle.close(RunStatus.FAILED)
        assert second.run("r").data.metrics == {"loss": 2.0}
        assert second.run("r").info.status == "FAILED"
