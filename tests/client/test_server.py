"""What is said over HTTP, and what becomes of a call when a server does not do its part."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core.errors import (
    InvalidOption,
    TesseractRuntimeError,
    UnknownName,
    UnreadableDocument,
)
from tesseract_runtime_client import Tesseract, TesseractFailed, Unreachable, ValidationError
from tests.client.conftest import serving
from tests.client.recorded import (
    ARRAY,
    OPENAPI,
    RESULT,
    Reply,
    answer,
    half_an_answer,
    hang_up,
    saying,
)
from tests.patience import SECONDS, patient, wait_until


@pytest.mark.parametrize("broken", [hang_up, half_an_answer])
def test_call_that_may_have_run_is_not_repeated(broken: Reply) -> None:
    """A connection that breaks is told with the id of the run, and the call is made once."""
    with saying(broken, answer(RESULT)) as server, Tesseract.from_url(server.url) as tesseract:
        with pytest.raises(Unreachable) as raised:
            tesseract.apply({"x": [1.0]}, run_id="fit-7")
        assert len(server.posts()) == 1
        assert str(raised.value).startswith(f"The connection to {server.url} broke before the ans")
        assert "It may have been computed and is not requested again (run fit-7)." in str(
            raised.value
        )
        assert tesseract.apply({"x": [1.0]})["y"].tolist() == [1, 2]


def test_nobody_there_is_told() -> None:
    """A connection error names the URL without a server."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with Tesseract.from_url(url) as tesseract:
            with pytest.raises(ConnectionError, match=f"No server answers at {url}: .*refused"):
                tesseract.health()
            with pytest.raises(ConnectionError, match="Is a Tesseract served there"):
                tesseract.apply({"x": [1.0]})


def test_connection_is_kept() -> None:
    """Calls follow each other on one connection, which is given up only after a failure."""
    replies = [*[answer(RESULT)] * 3, answer("no", 500), answer(RESULT)]
    with saying(*replies) as server, Tesseract.from_url(server.url) as tesseract:
        for _ in range(3):
            tesseract.apply({"x": [1.0]})
        assert len(server.connections) == 1
        with pytest.raises(TesseractFailed, match="no "):
            tesseract.apply({"x": [1.0]})
        tesseract.apply({"x": [1.0]})
        assert len(server.connections) == 2


def test_document_of_another_server_is_base64() -> None:
    """A server that does not have msgpack gets JSON with base64, and is asked for it."""
    with saying(answer(RESULT)) as server, Tesseract.from_url(server.url) as tesseract:
        tesseract.apply({"x": np.array([1.5])}, run_id="fit-7")
        [(_, path, headers, body)] = server.posts()
        assert path == "/apply?run_id=fit-7"
        assert headers["content-type"] == "application/json"
        assert headers["accept"] == "application/json+base64"
        assert json.loads(body)["inputs"]["x"]["data"] == {
            "buffer": "AAAAAAAA+D8=",
            "encoding": "base64",
        }


def test_array_encoding_is_that_of_both_documents() -> None:
    """The format is JSON then, and the server is asked for the encoding."""
    with (
        saying(answer(RESULT)) as server,
        Tesseract.from_url(server.url, array_encoding="json") as tesseract,
    ):
        tesseract.apply({"x": np.array([1.5])})
        [(_, _, headers, body)] = server.posts()
        assert headers["accept"] == "application/json"
        assert json.loads(body)["inputs"]["x"]["data"] == {"buffer": [1.5], "encoding": "json"}
    with (
        saying(answer(RESULT)) as server,
        Tesseract.from_url(server.url, encoding="json", array_encoding="base64") as tesseract,
    ):
        tesseract.apply({"x": np.array([1.5])})
        [(_, _, headers, body)] = server.posts()
        assert headers["accept"] == "application/json; encoding=base64"
        assert json.loads(body)["inputs"]["x"]["data"]["buffer"] == "AAAAAAAA+D8="


@pytest.mark.parametrize(
    ("encoding", "array_encoding", "problem"),
    [
        ("msgpack", "base64", "Format 'msgpack' writes arrays as raw, not as base64."),
        (None, "base46", "Unknown array encoding 'base46'. Did you mean 'base64'?"),
        (None, "binref", "encoding='binref' would leave results in files"),
    ],
)
def test_wrong_array_encoding_is_refused_at_once(
    encoding: str | None, array_encoding: str, problem: str
) -> None:
    """It is the mistake of the caller, and names both."""
    with pytest.raises(TesseractRuntimeError) as raised:
        Tesseract.from_url("http://x", encoding=encoding, array_encoding=array_encoding)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize("openapi", [{}, OPENAPI])
def test_formats_are_asked_for_once(openapi: Any) -> None:
    """The OpenAPI document is fetched when it is first needed, and then never again."""
    with saying(*[answer(RESULT)] * 3, openapi=openapi) as server:
        tesseract = Tesseract.from_url(server.url)
        assert server.requests == []
        for _ in range(3):
            tesseract.apply({"x": [1.0]})
        assert [path for method, path, *_ in server.requests if method == "GET"] == [
            "/openapi.json"
        ]
        tesseract.close()


def test_msgpack_is_used_where_both_have_it(url: str) -> None:
    """A server of this project is spoken to in msgpack; another encoding can be demanded."""
    with Tesseract.from_url(url) as tesseract:
        assert "msgpack" in tesseract.openapi_schema["x-supported-output-formats"]
        assert tesseract._format == "msgpack"
    with Tesseract.from_url(url, encoding="json") as tesseract:
        assert tesseract.apply({"x": [0.1]})["y"] == [0.1]


def test_encoding_that_cannot_be_used_is_refused(url: str) -> None:
    """What is not installed, unknown or leaves files is told before anything is sent."""
    with pytest.raises(UnknownName, match="Did you mean 'msgpack'"):
        Tesseract.from_url(url, encoding="msgpak")
    with pytest.raises(InvalidOption, match="would leave results in files"):
        Tesseract.from_url(url, encoding="json+binref")


def test_format_that_the_server_lacks_is_its_answer() -> None:
    """A demanded encoding is tried, and the server's refusal told."""
    detail = {"message": "Cannot produce msgpack", "available_formats": ["json"]}
    with (
        saying(answer({"detail": detail}, 406)) as server,
        Tesseract.from_url(server.url, encoding="msgpack") as tesseract,
        pytest.raises(TesseractFailed, match="Cannot produce msgpack") as raised,
    ):
        tesseract.apply({"x": [1.0]})
    assert raised.value.status == 406


def test_key_is_shown(source: Path) -> None:
    """A server with keys answers to who has one, and the refusal of others is told."""
    with serving(source, key="secret") as url:
        with Tesseract.from_url(url, api_key="secret") as tesseract:
            assert tesseract.apply({"x": [1.0]})["y"] == [1]
        for key in (None, "other"):
            with (
                Tesseract.from_url(url, api_key=key) as tesseract,
                pytest.raises(TesseractFailed, match="needs a key") as raised,
            ):
                tesseract.apply({"x": [1.0]})
            assert raised.value.status == 401


def applies(tesseract: Any) -> bool:
    """Check whether a short call is done in time."""
    try:
        return bool(tesseract.apply({"x": [1.0]})["y"] == [1])
    except TesseractFailed:
        return False


def test_time_of_a_call_is_limited(kinds: Any) -> None:
    """A call that takes too long ends with an error that names its run."""
    seconds = patient(1)
    for kind, text in (
        (
            "url",
            f"The call has computed for {seconds:g} s, as long as its caller allows, and was "
            "stopped. Allow more with Request-Timeout (timeout= in Python).",
        ),
        ("worker", f"The call was stopped after {seconds:g} s."),
    ):
        with kinds[kind](timeout=seconds) as tesseract:
            with pytest.raises(TesseractFailed) as raised:
                tesseract.apply({"x": [1.0], "action": "sleep"}, run_id="fit-7")
            assert str(raised.value) == f"{text} (run fit-7)"
            assert raised.value.status == 504
            wait_until(lambda: applies(tesseract))  # its worker may have to be replaced


def test_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without limits of its own is not waited for much longer than asked."""
    monkeypatch.setattr("tesseract_runtime_client.http_transport._GRACE_SECONDS", 0.1)
    given_up = threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> None:
        given_up.wait(SECONDS)

    with (
        saying(wait) as server,
        Tesseract.from_url(server.url, timeout=0.2) as tesseract,
    ):
        with pytest.raises(
            TesseractFailed, match=r"the timeout of 0\.2 s and may still compute. Allow more with t"
        ) as raised:
            tesseract.apply({"x": [1.0]}, run_id="fit-7")
        given_up.set()
        assert (raised.value.status, raised.value.run_id) == (504, "fit-7")
        assert server.posts()[0][2]["request-timeout"] == "0.2"


REFUSALS: Sequence[tuple[Reply, type[Exception], str]] = [
    (answer("Internal Server Error", 500), TesseractFailed, "Internal Server Error"),
    (answer("", 502), TesseractFailed, "the server answered with status 502"),
    (answer({"detail": "Not Found"}, 404), TesseractFailed, "Not Found"),
    (answer({"detail": "odd"}, 422), TesseractFailed, "odd"),
    (answer({"detail": [{"type": "t", "loc": ["body"], "msg": "m"}]}, 422), ValidationError, "m"),
    (answer("<html>", Content_Type="text/html"), UnreadableDocument, "'text/html', which is no"),
    (answer("{"), UnreadableDocument, "The answer is not valid json"),
    (
        answer({"y": {**ARRAY, "dtype": "object"}}),
        UnreadableDocument,
        "An array of the answer cannot be read: Unsupported array dtype 'object'",
    ),
]


@pytest.mark.parametrize(("reply", "kind", "message"), REFUSALS)
def test_odd_answer_is_told(reply: Reply, kind: type[Exception], message: str) -> None:
    """Whatever a server says instead of a result is an error that tells it."""
    with (
        saying(reply) as server,
        Tesseract.from_url(server.url) as tesseract,
        pytest.raises(kind, match=message.replace("(", r"\(")),
    ):
        tesseract.apply({"x": [1.0]})


def test_text_like_a_lifted_one_stays_a_text() -> None:
    """A long text under the key of an array's bytes comes as it is."""
    text = "A" * 100_000
    with (
        saying(answer({"buffer": text, **RESULT})) as server,
        Tesseract.from_url(server.url) as tesseract,
    ):
        result = tesseract.apply({"x": [1.0]})
    assert (result["buffer"], result["y"].tolist()) == (text, [1, 2])


def test_schemas_of_a_server_without_these_endpoints() -> None:
    """They are those of the OpenAPI document, with references that can be followed."""
    schemas = {
        "ApplyInputSchema": {"properties": {"inputs": {"$ref": "#/components/schemas/Inner"}}},
        "Inner": {"type": "object"},
    }
    openapi = {**OPENAPI, "components": {"schemas": schemas}}
    lacking = answer({"detail": "Not Found"}, 404)
    with (
        saying(openapi=openapi, others=lacking) as server,
        Tesseract.from_url(server.url) as tesseract,
    ):
        schema = tesseract.input_schema
    assert schema["properties"]["inputs"] == {"$ref": "#/$defs/Inner"}
    assert schema["$defs"]["Inner"] == {"type": "object"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "http://",
        "http://host:port",
        "x:65536",
        "",
        "file:///x",
        "unix://",
        "unix://x",
    ],
)
def test_url_that_is_none_is_refused(url: str) -> None:
    """A URL that cannot be one of a Tesseract is refused with its text."""
    with pytest.raises(InvalidOption, match=r"is not (a valid|the) URL"):
        Tesseract.from_url(url)


def test_socket_that_is_not_served_is_unreachable(tmp_path: Path) -> None:
    """A path without a server is named."""
    path = tmp_path / "none.sock"
    with (
        Tesseract.from_url(f"unix://{path}") as tesseract,
        pytest.raises(Unreachable, match=f"No server answers at unix://{path}: "),
    ):
        tesseract.health()


def test_url_may_lack_its_scheme_and_have_a_path() -> None:
    """`host:port` is enough, and a Tesseract may lie below a path."""
    with saying(answer(RESULT)) as server:
        url = server.url.removeprefix("http://")
        with Tesseract.from_url(f"{url}/models/one/") as tesseract:
            assert repr(tesseract) == f"<Tesseract at {server.url}/models/one>"
            tesseract.apply({"x": [1.0]})
        assert server.posts()[0][1].startswith("/models/one/apply?")
