"""The configuration of nginx, which runs here before a server with a key."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest
from websockets.sync.client import connect

from tests.patience import wait_until
from tests.ports import free_port
from tests.programs import needs_program
from tests.recipes.recipe import MODEL, recipe
from tests.server.conftest import Client, Served, serving

HOST = "model.example.org"
KEY = {"host": HOST, "authorization": "Bearer sesame"}

MAIN = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
"""What distributions have in /etc/nginx/nginx.conf, with files in one folder."""

ECHO = """
from runtime_core.contracts import ServerExtension, ServerParts
from runtime_core.hookspecs import hookimpl


async def echo(websocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


def build(server):
    from starlette.routing import WebSocketRoute

    return ServerParts(routes=[WebSocketRoute("/echo", echo)])


@hookimpl
def server_extensions():
    yield ServerExtension(name="echo", summary="A WebSocket.", build=build)
"""
"""A plugin with a WebSocket."""


@dataclass(frozen=True, kw_only=True)
class Proxied:
    """A server and a client of the proxy before it."""

    server: Served
    client: Client


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Start a server and nginx before it."""
    nginx = needs_program("nginx", package="nginx")
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "echo.py").write_text(ECHO)
    metadata = folder / "echo-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: echo\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[tesseract_runtime]\necho = echo\n")
    options = ["--in-process", "--allowed-host", HOST, "--max-body-size", "5000000"]
    variables = {"TESSERACT_API_KEY": "sesame", "PYTHONPATH": str(folder)}
    api = MODEL / "tesseract_api.py"
    with serving(api, options=options, environment=variables) as server:
        client = Client(port=free_port())
        places = {"listen 80": f"listen 127.0.0.1:{client.port}", "8000": server.port}
        (folder / "site.conf").write_text(recipe("nginx.conf", places))
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        command = [nginx, "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e", f"{folder}/errors"]
        with subprocess.Popen(command) as process:
            try:
                wait_until(lambda: process.poll() is not None or _listens(client))
                assert process.poll() is None, (folder / "errors").read_text()
                yield Proxied(server=server, client=client)
            finally:
                process.terminate()


def _listens(client: Client) -> bool:
    with suppress(ConnectionRefusedError):
        client.raw().close()
        return True
    return False


def upstream(proxied: Proxied) -> list[int]:
    """Return the ports from which nginx is connected to the server."""
    connections = psutil.Process(proxied.server.process.pid).net_connections()
    to_us = [each for each in connections if each.laddr.port == proxied.server.port]
    return [each.raddr.port for each in to_us if each.status == psutil.CONN_ESTABLISHED]


def payload(size: int) -> str:
    """Return a payload of some bytes."""
    payload = '{"inputs": {"a": [1.0], "b": [2.0]}}'
    return payload.ljust(size)


def test_key_and_host_reach_the_server(proxied: Proxied) -> None:
    """The server checks the key of a call by the name of the service."""
    client = proxied.client
    assert client.get("/readyz", host=HOST).status == 200
    assert client.request("POST", "/apply", payload(0), {"host": HOST}).status == 401
    answer = client.request("POST", "/apply", payload(0), KEY)
    assert answer.status == 200
    assert "tesseract-run-id" in answer.headers


def test_connection_to_the_server_stays_open(proxied: Proxied) -> None:
    """Calls on different connections go to the server on one."""
    proxied.client.request("POST", "/apply", payload(0), KEY)
    before = upstream(proxied)
    for _ in range(3):
        proxied.client.request("POST", "/apply", payload(0), KEY)
    assert upstream(proxied) == before
    assert len(before) == 1


def test_bodies_are_limited_by_the_server_alone(proxied: Proxied) -> None:
    """A body beyond the megabyte of nginx arrives; one beyond `--max-body-size` gets its answer."""
    assert proxied.client.request("POST", "/apply", payload(4_000_000), KEY).status == 200
    refused = proxied.client.request("POST", "/apply", payload(6_000_000), KEY)
    assert refused.status == 413
    assert b"--max-body-size" in refused.body


def test_websockets_are_forwarded(proxied: Proxied) -> None:
    """A WebSocket is opened with the key, and messages pass."""
    key = {"authorization": KEY["authorization"]}
    with (
        proxied.client.raw() as connection,
        connect(f"ws://{HOST}/echo", sock=connection, additional_headers=key) as websocket,
    ):
        websocket.send("a message")
        assert websocket.recv() == "a message"


def test_metrics_are_not_for_the_public(proxied: Proxied) -> None:
    """The proxy refuses what Prometheus asks the server itself."""
    assert proxied.client.get("/metrics", **KEY).status == 403
