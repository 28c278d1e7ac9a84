"""Connections to servers: kept ones, proxies, TLS, and calls that a server refuses for now."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_client import Tesseract, TesseractFailed, Unreachable
from tesseract_runtime_client.worker_transport import WorkerTransport
from tests.client.conftest import serving
from tests.client.recorded import RESULT, Reply, answer, hang_up, saying
from tests.patience import SECONDS, wait_until
from tests.server.test_access import certificate

__all__ = ["certificate"]

FULL = answer({"detail": "The queue is full"}, 503, Retry_After="0")
CUT_SHORT = answer({"detail": "The server was stopped"}, 503)


def test_connection_that_the_server_has_closed_is_replaced() -> None:
    """The end of an idle connection is noticed before the next call, which is made once."""
    closed = threading.Event()

    def last(handler: BaseHTTPRequestHandler) -> None:
        answer(RESULT)(handler)
        hang_up(handler)
        closed.set()

    with saying(last, answer(RESULT)) as server, Tesseract.from_url(server.url) as tesseract:
        for _ in range(2):
            assert tesseract.apply({"x": [1.0]})["y"].tolist() == [1, 2]
            assert closed.wait(SECONDS)
        assert len(server.posts()) == 2


def test_old_connections_are_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may close an idle connection at the moment of a call, which would be lost."""
    monkeypatch.setattr("tesseract_runtime_client.connections._IDLE_SECONDS", -1.0)
    with saying(*[answer(RESULT)] * 2) as server, Tesseract.from_url(server.url) as tesseract:
        tesseract.apply({"x": [1.0]})
        tesseract.apply({"x": [1.0]})
        assert len(server.connections) >= 2


@pytest.fixture(scope="module")
def limited(source: Path) -> Iterator[str]:
    """Return the URL of a server that takes small bodies only."""
    with serving(source, limits=["--max-body-size=1000"]) as url:
        yield url


def test_refusal_before_the_end_of_the_body_is_reported(limited: str) -> None:
    """A server that refuses a large body at its head need not read it."""
    with (
        Tesseract.from_url(limited) as tesseract,
        pytest.raises(TesseractFailed, match="--max-body-size") as raised,
    ):
        tesseract.apply({"x": np.zeros(5_000_000)})
    assert raised.value.status == 413


@pytest.mark.parametrize("reply", [FULL, answer("busy", 503, Retry_After="Fri, 1 Jan 2100")])
def test_refused_call_is_sent_until_it_is_taken(
    reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503 with `Retry-After` has not begun; the time that is left goes with each attempt."""
    monkeypatch.setattr("tesseract_runtime_client.http_transport._PAUSE_SECONDS", 0.0)
    with (
        saying(reply, reply, answer(RESULT)) as server,
        Tesseract.from_url(server.url, patience=SECONDS) as tesseract,
    ):
        assert tesseract.apply({"x": [1.0]}, run_id="fit-7")["y"].tolist() == [1, 2]
        left = [float(headers["request-patience"]) for _, _, headers, _ in server.posts()]
        assert SECONDS >= left[0] > left[1] > left[2] > 0
        assert {path for _, path, _, _ in server.posts()} == {"/apply?run_id=fit-7"}


@pytest.mark.parametrize(
    ("reply", "patience"),
    [
        (FULL, {}),
        (CUT_SHORT, {"patience": SECONDS}),
        (answer("no", 500, Retry_After="0"), {"patience": SECONDS}),
        (answer("later", 503, Retry_After="60"), {"patience": 0.5}),
        (answer("later", 503, Retry_After="60"), {"timeout": 0.5}),
    ],
)
def test_other_failures_are_reported_at_once(reply: Reply, patience: dict[str, Any]) -> None:
    """A call that may have begun, or that the client will not wait for, is sent once."""
    with (
        saying(reply) as server,
        Tesseract.from_url(server.url, **patience) as tesseract,
        pytest.raises(TesseractFailed) as raised,
    ):
        tesseract.apply({"x": [1.0]})
    assert raised.value.status in (500, 503)


@pytest.mark.parametrize("kind", ["url", "worker"])
def test_impatient_call_does_not_begin(limited: str, source: Path, kind: str) -> None:
    """A call that has waited in a queue for too long is told so."""
    limits = {"timeout": SECONDS, "patience": 0.2}
    opened = getattr(Tesseract, f"from_{kind}")
    with opened(limited if kind == "url" else source, **limits) as tesseract:
        pausing = {"x": [1.0], "action": "pause"}
        running = threading.Thread(target=tesseract.apply, args=(pausing,))
        running.start()
        wait_until(lambda: _is_busy(tesseract))
        with pytest.raises(TesseractFailed, match=r"waited in the queue for .* has not begun"):
            tesseract.apply({"x": [1.0]})
        running.join()


def _is_busy(tesseract: Tesseract) -> bool:
    transport: Any = tesseract._transport
    if isinstance(transport, WorkerTransport):
        return bool(transport._pool.running)
    return bool(transport.get("readyz")["busy_workers"])


PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment, without proxies."""
    for name in os.environ.keys() & {*PROXY_VARIABLES, *map(str.upper, PROXY_VARIABLES)}:
        monkeypatch.delenv(name)
    return monkeypatch


def test_proxy_of_the_environment_is_used(environment: pytest.MonkeyPatch) -> None:
    """It gets the whole URL and its own credentials, and hosts of `NO_PROXY` are excepted."""
    with saying(answer(RESULT)) as proxy, saying(answer(RESULT)) as server:
        environment.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:p%40ss@"))
        environment.setenv("NO_PROXY", "127.0.0.1")
        with Tesseract.from_url("model.example/one") as tesseract:
            tesseract.apply({"x": [1.0]}, run_id="fit-7")
        with Tesseract.from_url(server.url) as tesseract:
            tesseract.apply({"x": [1.0]})
        [(_, target, headers, _)] = proxy.posts()
        assert target == "http://model.example/one/apply?run_id=fit-7"
        assert headers["host"] == "model.example"
        assert headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
        assert len(server.posts()) == 1


def test_proxy_of_another_kind_is_refused(environment: pytest.MonkeyPatch) -> None:
    """The message names it without its password, and what to do."""
    environment.setenv("ALL_PROXY", "socks5://user:secret@proxy.example:1080")
    with pytest.raises(InvalidOption) as raised:
        Tesseract.from_url("http://model.example:8000")
    assert "The proxy 'proxy.example:1080' of the environment" in str(raised.value)
    assert "add model.example:8000 to the variable NO_PROXY" in str(raised.value)


def test_tls_goes_through_the_tunnel_of_a_proxy(environment: pytest.MonkeyPatch) -> None:
    """A proxy that refuses the tunnel is told with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        met: list[bytes] = []

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                met.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 403 Not today\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        with (
            Tesseract.from_url("https://model.example") as tesseract,
            pytest.raises(Unreachable, match="Tunnel connection failed: 403 Not today"),
        ):
            tesseract.health()
        thread.join()
    assert met[0].startswith(b"CONNECT model.example:443 HTTP/1.")


def test_certificate_is_checked(
    certificate: tuple[Path, Path], environment: pytest.MonkeyPatch
) -> None:
    """A server whose certificate is not trusted is not called; `SSL_CERT_FILE` names others."""
    file, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    with saying(*[answer(RESULT)] * 2, tls=context) as server:
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        with (
            Tesseract.from_url(url) as tesseract,
            pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            tesseract.apply({"x": [1.0]})
        environment.setenv("SSL_CERT_FILE", str(file))
        with Tesseract.from_url(url) as tesseract:
            for _ in range(2):
                assert tesseract.apply({"x": [1.0]})["y"].tolist() == [1, 2]
        assert len(server.connections) == 1


def test_key_that_no_header_holds_is_refused() -> None:
    """A newline, as of a file, is reported before anything is sent."""
    with pytest.raises(InvalidOption, match="such as a newline"):
        Tesseract.from_url("http://127.0.0.1:8000", api_key="secret\n")
