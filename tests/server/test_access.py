"""Access to a server: keys, hosts, origins, TLS; and the access log."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from runtime_core.contracts import AnsweredRequest
from runtime_core.server.announcement import time_text
from runtime_core.server.extensions.access_log import LINES
from tests.conftest import DOUBLE, Cli
from tests.patience import SECONDS
from tests.server.conftest import Log, exchange, head, read_answer, started

if TYPE_CHECKING:
    from tests.server.conftest import Answer, Serve, Served

Tesseract = Callable[..., Path]

PROBES = ["/health", "/livez", "/readyz"]
NEED_A_KEY = [
    ("POST", "/apply"),
    ("POST", "/jacobian"),
    ("GET", "/input_schema"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/plugins"),
    ("GET", "/nothing"),
    ("POST", "/health/../apply"),
    ("POST", "//apply"),
    ("OPTIONS", "/apply"),
    ("HEAD", "/input_schema"),
]
PAYLOAD = '{"inputs": {"x": [1.0]}}'

Shared = Callable[..., "Served"]

PUBLIC = ("-h", "0.0.0.0", "--api-key=k")
"""The options of a service for other machines."""

PAGE = ("--cors-origin=https://page.example", "--api-key=sesame")
"""The options of a service for a page of another origin."""


@pytest.fixture
def locked(shared: Shared) -> Served:
    """Return a server with two keys."""
    return shared("--api-key=sesame", "--api-key=key two")


def apply_with(served: Served, authorization: str | None) -> Answer:
    """Apply the Tesseract with a header `Authorization`."""
    headers = {} if authorization is None else {"Authorization": authorization}
    return served.request("POST", "/apply", PAYLOAD, headers)


@pytest.mark.parametrize("authorization", ["Bearer sesame", "bearer sesame", "Bearer key two"])
def test_each_key_opens(locked: Served, authorization: str) -> None:
    """A request with one of the keys is served."""
    assert apply_with(locked, authorization).status == 200


WRONG = [
    None,
    "",
    "Bearer",
    "Bearer ",
    "Bearer sesam",
    "Bearer sesame2",
    "Bearer SESAME",
    "sesame",
    "Basic sesame",
    "Basic c2VzYW1lOg==",
    "Bearer sesame, Bearer other",
    "Bearer s\u00e9same",
    "Bearer " + "x" * 8_000,
]


@pytest.mark.parametrize("authorization", WRONG)
def test_wrong_key_is_401(locked: Served, authorization: str | None) -> None:
    """The refusal is always the same, and explains how to send a key."""
    answer = apply_with(locked, authorization)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json() == {
        "detail": "This service needs a key: send the header 'Authorization: Bearer KEY'."
    }


@pytest.mark.parametrize(("method", "path"), NEED_A_KEY)
def test_everything_needs_a_key(locked: Served, method: str, path: str) -> None:
    """Without a key every path is refused, even an unknown one."""
    assert locked.request(method, path, PAYLOAD if method == "POST" else None).status == 401


@pytest.mark.parametrize("path", PROBES)
def test_probes_need_no_key(locked: Served, path: str) -> None:
    """Probes need no key."""
    assert locked.get(path).status == 200


def test_runs_are_shown_with_a_key_alone(locked: Served) -> None:
    """Readiness names runs to those who have a key."""
    key = {"Authorization": "Bearer sesame"}
    answers = [locked.request("GET", "/readyz", headers=headers) for headers in ({}, key)]
    assert ["running" in answer.json() for answer in answers] == [False, True]


def test_paths_are_listed_with_a_key_alone(locked: Served) -> None:
    """A plugin's page at `/` may be public; the list of paths there is not."""
    key = {"Authorization": "Bearer sesame"}
    answers = [locked.request("GET", "/", headers=headers) for headers in ({}, key)]
    assert [b'"/apply"' in answer.body for answer in answers] == [False, True]


def test_runs_are_not_shown_behind_a_proxy(shared: Callable[..., Served]) -> None:
    """A service that a proxy opens to others names no runs to those without a key."""
    served = shared("--allowed-host=solver.example")
    assert "running" not in served.get("/readyz").json()


def test_key_in_two_headers_is_refused_or_taken_as_one(locked: Served) -> None:
    """A second header cannot smuggle a request past a wrong first one, or the other way round."""
    with locked.raw() as connection:
        lines = head("/input_schema", "GET", Authorization="Bearer wrong")
        connection.sendall(lines.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer sesame\r\n\r\n"))
        assert read_answer(connection).status == 401


def test_body_of_a_refused_caller_is_not_waited_for(locked: Served) -> None:
    """A caller without a key cannot make the server read anything large."""
    with locked.raw() as connection:
        connection.sendall(head(Content_Length=1 << 29))
        assert read_answer(connection).status == 401


def test_run_is_replaced_by_its_own_key_alone(serve: Serve, tmp_path: Path) -> None:
    """With keys, a run keeps its files if another key has named it, or got its name."""
    source = DOUBLE.replace("    return", "    print('here')\n    return")
    keys = ["--api-key=one", "--api-key=two"]
    served = serve(source, "--output-path", str(tmp_path / "out"), options=keys)

    def call(key: str, query: str) -> Answer:
        headers = {"Authorization": f"Bearer {key}"}
        return served.request("POST", f"/apply{query}", PAYLOAD, headers)

    calls = [call(key, "?run_id=mine") for key in ("one", "two", "one")]
    assert [answer.status for answer in calls] == [200, 409, 200]
    assert calls[1].json() == {
        "detail": "Run 'mine' was not first named with this key: name this run with another run_id."
    }
    run_id = call("one", "").headers["tesseract-run-id"]
    assert [call(key, f"?run_id={run_id}").status for key in ("one", "two")] == [200, 409]
    assert call("two", "?run_id=a%2Fb").status == 422


@pytest.mark.parametrize("name", ["TESSERACT_API_KEY", "TESSERACT_RUNTIME_API_KEY"])
def test_a_variable_holds_one_key(serve: Serve, name: str) -> None:
    """A key can be set by a variable, every character of it."""
    served = serve(environment={name: "correct horse battery"}, options=["--in-process"])
    keys = ("correct horse battery", "correct", "horse", "")
    assert [apply_with(served, f"Bearer {key}").status for key in keys] == [200, 401, 401, 401]


@pytest.mark.parametrize("key", ["", "  ", "key\n"])
def test_a_variable_without_a_usable_key_is_refused(
    cli_here: Cli, tesseract: Tesseract, key: str
) -> None:
    """An empty variable never serves openly."""
    variables = {"TESSERACT_API_KEY": key}
    ended = cli_here("--api-path", str(tesseract()), "serve", "-p", "0", environment=variables)
    assert ended.returncode == 2
    assert "TESSERACT_API_KEY" in ended.stderr


def test_keys_of_a_file_open(serve: Serve, tmp_path: Path) -> None:
    """Each line of the file of keys has a name and a key, and a name may have several."""
    file = tmp_path / "keys"
    file.write_text("ann sesame\nann new sesame\n\nbob b\n")
    file.chmod(0o600)
    served = serve(options=["--in-process", "--api-key-file", str(file)])
    keys = ("sesame", "new sesame", "b", "ann", "ann sesame")
    statuses = [apply_with(served, f"Bearer {key}").status for key in keys]
    assert statuses == [200, 200, 200, 401, 401]


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("ann sesame\n", 0o640, "open to other users: chmod 600"),
        ("\n", 0o600, "has no key"),
        ("sesame\n", 0o600, "line 1: expected 'NAME KEY'"),
        ("a/b sesame\n", 0o600, "line 1: expected 'NAME KEY'"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_file_of_keys_that_is_not_valid_is_refused(
    cli_here: Cli, tesseract: Tesseract, tmp_path: Path, text: str | None, mode: int, message: str
) -> None:
    """A file of keys is refused if others can read it or a line is not valid."""
    file = tmp_path / "keys"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    arguments = ["--api-path", str(tesseract()), "serve", "-p", "0", "--api-key-file", str(file)]
    ended = cli_here(*arguments)
    assert ended.returncode == 2
    assert message in ended.stderr


@pytest.mark.parametrize("key", ["", " ", "k\u00e9y"])
def test_key_that_cannot_be_sent_is_refused(cli_here: Cli, tesseract: Tesseract, key: str) -> None:
    """Keys that are empty or not ASCII are refused at the start."""
    ended = cli_here("--api-path", str(tesseract()), "serve", "-p", "0", "--api-key", key)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--api-key" in ended.stderr


def test_keys_are_not_logged(locked: Served) -> None:
    """The server never logs a key, right or wrong."""
    for key in ("sesame", "wrong-key"):
        locked.request("GET", f"/{len(key)}", headers={"Authorization": f"Bearer {key}"})
        locked.log.wait_for(f"GET /{len(key)} 40")
    assert not re.search("sesame|wrong-key", locked.log.text)


@pytest.mark.parametrize(
    ("option", "host", "instead"),
    [
        ("-h", "0.0.0.0", "serve on 127.0.0.1"),
        ("-h", "::", "serve on 127.0.0.1"),
        ("--allowed-host", "beams.example", "let the proxy require one"),
    ],
)
def test_service_that_is_open_to_everybody_is_warned_of(
    tesseract: Tesseract, option: str, host: str, instead: str
) -> None:
    """Serving other machines without a key prints a warning."""
    with started(tesseract(), "serve", "-p", "0", option, host) as process:
        log = Log(process)
        log.wait_for("Serving")
        assert f"Warning: everybody who can reach {host} can use this service." in log.text
        assert f"Require a key with --api-key, or {instead}.\n" in log.text


@pytest.mark.parametrize("options", [(), PUBLIC])
def test_nothing_is_warned_of_otherwise(shared: Shared, options: tuple[str, ...]) -> None:
    """A service on this machine alone, or one with a key, needs no warning."""
    assert "Warning" not in shared(*options).log.text


def host_status(served: Served, host: str, path: str = "/input_schema") -> int:
    """Return the status of a request to a host of some name."""
    return served.request("GET", path, headers={"Host": host}).status


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8000", "[::1]", "localhost:"]
)
def test_names_of_this_machine_are_served(double: Served, host: str) -> None:
    """The names of the loopback address are allowed, with any port."""
    assert host_status(double, host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[::1].evil.example",
        "[::2]",
        "localhost@evil.example",
        "evil.example\\@localhost",
        "127.0.0.2",
        "a" * 1000,
    ],
)
def test_other_hosts_are_misdirected(double: Served, host: str) -> None:
    """A page whose name resolves to this machine cannot call the server."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Host": host})
    assert (answer.status, len(answer.body) < 500) == (421, True)
    assert "--allowed-host" in answer.json()["detail"]


@pytest.mark.parametrize("path", PROBES)
def test_probes_are_answered_under_any_name(double: Served, path: str) -> None:
    """Orchestrators can send probes by address, which is not an allowed host."""
    assert host_status(double, "10.1.2.3:8000", path) == 200


def test_allowed_hosts_are_served(shared: Shared) -> None:
    """Hosts named by the operator are served besides those of this machine."""
    served = shared("--allowed-host=solver.example", "--allowed-host", "Other.Example")
    hosts = ["solver.example", "other.example:80", "localhost", "evil.example"]
    assert [host_status(served, host) for host in hosts] == [200, 200, 200, 421]


@pytest.mark.parametrize(("options", "status"), [((), 200), (("--allowed-host=a.example",), 421)])
def test_any_host_is_served_beyond_this_machine(
    shared: Shared, options: tuple[str, ...], status: int
) -> None:
    """A public service accepts any host unless it is given names."""
    served = shared(*PUBLIC, *options)
    headers = {"Host": "solver.example", "Authorization": "Bearer k"}
    assert served.request("GET", "/input_schema", headers=headers).status == status


PREFLIGHT = {
    "Origin": "https://page.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, request-timeout, "
    "request-patience",
}


def test_pages_of_an_allowed_origin_may_call(shared: Shared) -> None:
    """A browser learns before a call and with its answer that the page may read it."""
    served = shared(*PAGE)
    asked = served.request("OPTIONS", "/apply", headers=PREFLIGHT)
    assert asked.status == 200
    assert asked.headers["access-control-allow-origin"] == "https://page.example"
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in PREFLIGHT["Access-Control-Request-Headers"].split(", "))
    headers = {"Origin": "https://page.example", "Authorization": "Bearer sesame"}
    answer = served.request("POST", "/apply", PAYLOAD, headers)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (
        200,
        "https://page.example",
    )
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"tesseract-run-id", "server-timing"} <= {name.strip() for name in exposed.split(",")}


@pytest.mark.parametrize("options", [(), PAGE])
def test_pages_of_other_origins_may_not(shared: Shared, options: tuple[str, ...]) -> None:
    """No answer allows an origin that the operator has not named."""
    served = shared(*options)
    for method, body in (("OPTIONS", None), ("POST", PAYLOAD)):
        authorization = {"Authorization": "Bearer sesame"} if body else {}
        headers = {**PREFLIGHT, **authorization, "Origin": "https://evil.example"}
        answer = served.request(method, "/apply", body, headers)
        assert answer.headers.get("access-control-allow-origin") in (None, "https://page.example")


def test_page_of_another_origin_cannot_start_a_computation(double: Served) -> None:
    """A simple request of a browser, without preflight, is refused for another origin."""
    for headers in ({}, {"Content-Type": "text/plain"}):
        answer = double.request(
            "POST",
            "/apply",
            PAYLOAD,
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", **headers},
        )
        assert 400 <= answer.status < 500


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the files of a self-signed certificate for this machine and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_tls_is_served(shared: Shared, certificate: tuple[Path, Path]) -> None:
    """With a certificate and its key the service speaks HTTPS, large bodies included."""
    file, key = certificate
    served = shared(f"--tls-cert={file}", f"--tls-key={key}")
    assert f"on https://127.0.0.1:{served.port} " in served.log.text
    trusting = ssl.create_default_context(cafile=str(file))
    connection = HTTPSConnection("127.0.0.1", served.port, timeout=SECONDS, context=trusting)
    numbers = [float(n) for n in range(200_000)]
    answer = exchange(connection, "POST", "/apply", json.dumps({"inputs": {"x": numbers}}))
    connection.close()
    assert answer.json()["y"]["data"]["buffer"] == [2 * number for number in numbers]


def test_plain_http_to_tls_is_no_incident(serve: Serve, certificate: tuple[Path, Path]) -> None:
    """A client that speaks HTTP to an HTTPS port gets no answer and disturbs no other client."""
    file, key = certificate
    served = serve(options=["--in-process", f"--tls-cert={file}", f"--tls-key={key}"])
    with served.raw() as plain:
        plain.sendall(head("/health", "GET"))
        try:
            answer = plain.recv(1000)
        except ConnectionResetError:
            answer = b""
    assert not answer.startswith(b"HTTP")
    served.end()
    assert "Traceback" not in served.log.wait_for_end()


WRONG_TLS = [
    (["--tls-cert={certificate}"], 2, "--tls-cert and --tls-key go together"),
    (["--tls-key={key}"], 2, "--tls-cert and --tls-key go together"),
    (["--tls-cert=none.pem", "--tls-key={key}"], 2, "File 'none.pem' for TLS does not exist."),
    (["--tls-cert={certificate}", "--tls-key={certificate}"], 2, "TLS"),
    (["--tls-cert={key}", "--tls-key={key}"], 2, "TLS"),
    (["--tls-cert={text}", "--tls-key={text}"], 2, "TLS"),
]


@pytest.mark.parametrize(("options", "code", "message"), WRONG_TLS)
def test_wrong_certificate_is_a_wrong_call(
    cli_here: Cli,
    tesseract: Tesseract,
    certificate: tuple[Path, Path],
    options: list[str],
    code: int,
    message: str,
) -> None:
    """Missing or wrong files are reported in one line before serving."""
    files = {"certificate": certificate[0], "key": certificate[1], "text": tesseract()}
    given = [option.format(**files) for option in options]
    ended = cli_here("--api-path", str(tesseract()), "serve", "-p", "0", *given)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "fault of the runtime" not in ended.stderr


STAGES = ["queue", "decode", "compute", "encode"]


def test_answer_tells_its_times(double: Served) -> None:
    """Every result has the milliseconds of each stage."""
    timing = double.apply({"x": [1.0]}).headers["server-timing"]
    found = re.findall(r"(\w+);dur=([0-9.e+-]+)", timing)
    assert [stage for stage, _ in found] == STAGES
    assert all(0 <= float(milliseconds) < 60_000 for _, milliseconds in found)


@pytest.mark.parametrize("log_format", LINES)
def test_line_has_the_time_of_its_end(log_format: str) -> None:
    """A call that ends after a message of the server has a later time, too."""
    request = AnsweredRequest(method="GET", path="/health", timestamp=1.0, seconds=2.5)
    assert time_text(3.5) in LINES[log_format](request, {})


def test_line_is_written_for_each_request(serve: Serve) -> None:
    """Every request is logged in one line, with its status and sizes."""
    served = serve()
    body = '{"inputs": {"x": [1.0]}}'
    served.request("POST", "/apply?run_id=mine", body)
    served.get("/health")
    served.request("POST", "/apply?run_id=mine", "{", {"Content-Type": "text/plain"})
    served.request("POST", "/nothing")
    served.request("DELETE", "/apply")
    served.get("/" + quote("a\nb\x1b[31m\u00fc"))
    served.get("/input_schema", host="evil.example")
    served.end()
    first, *others = served.log.requests()
    assert re.fullmatch(
        rf"POST /apply 200 run_id=mine bytes_in={len(body)} bytes_out=\d+ milliseconds=[\d.]+ "
        r"receive=\S+ queue=\S+ decode=\S+ compute=\S+ encode=\S+ send=\S+",
        first,
    )
    assert [re.sub(" bytes_in=.*", "", line) for line in others] == [
        "GET /health 200",
        "POST /apply 415 run_id=mine",
        "POST /nothing 404",
        "DELETE /apply 405",
        "GET /a\\nb\\u001b[31m\\u00fc 404",
        "GET /input_schema 421",
    ]


def test_no_line_is_lost_at_the_end(serve: Serve) -> None:
    """Lines are written in batches; the last batch too."""
    served = serve()
    for n in range(200):
        served.get(f"/health?{n}")
    served.end()
    lines = served.log.requests()
    assert len([line for line in lines if line.startswith("GET /health 200")]) == 200


def json_lines(log: str) -> list[dict[str, Any]]:
    """Return the lines of a log that are JSON."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_lines_can_be_json(serve: Serve) -> None:
    """With `--log-format json` each line after the announcement is a JSON object with the time."""
    served = serve(DOUBLE, options=["--log-format=json"])
    body = '{"inputs": {"x": [1.0, 2.0]}}'
    answer = served.request("POST", "/apply?run_id=mine", body)
    served.get("/" + quote('"\n\u2028'))
    served.end()
    first, second = json_lines(served.log.wait_for_end())
    assert datetime.fromisoformat(first.pop("time")) <= datetime.fromisoformat(second["time"])
    times = {key: first.pop(key) for key in ("milliseconds", "receive", *STAGES, "send")}
    assert first == {
        "method": "POST",
        "path": "/apply",
        "status": 200,
        "run_id": "mine",
        "bytes_in": len(body),
        "bytes_out": len(answer.body),
    }
    assert all(isinstance(value, float) and value >= 0 for value in times.values())
    assert times["milliseconds"] >= times["compute"]
    assert (second["path"], second["status"], second["run_id"]) == ('/"\n\u2028', 404, None)


def test_request_that_breaks_off_is_noted(serve: Serve) -> None:
    """A client that disconnects before it has sent its body is logged too."""
    served = serve(DOUBLE, options=["--log-format=json"])
    with served.raw() as leaving:
        leaving.sendall(head(Content_Length=100) + b"{")
        served.get("/health")
    served.log.wait_for('"path": "/apply"')
    lines = json_lines(served.log.text)
    [apply] = [line for line in lines if line["path"] == "/apply"]
    assert (apply["status"], apply["bytes_in"], apply["bytes_out"]) == (None, 1, 0)


def test_output_of_user_code_stands_between_the_lines(serve: Serve) -> None:
    """The output of user code and the log of its call are both on stderr, line by line."""
    served = serve(DOUBLE.replace("return", "print('computing')\n    return"))
    for _ in range(3):
        served.apply({"x": [1.0]})
    served.end()
    assert len(served.log.requests()) == 3
    assert served.log.text.splitlines().count("computing") == 3


FAILING = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: int

class OutputSchema(BaseModel):
    y: int

def apply(inputs):
    raise ValueError("too stiff\\nat step 3")
"""


def test_line_of_a_failure_has_the_exception_and_its_traceback(serve: Serve) -> None:
    """The line names the exception with its place, and the file with the traceback."""
    served = serve(FAILING)
    assert served.apply({"x": 1}).status == 500
    served.apply({"x": "no"})
    served.end()
    failed, refused = served.log.requests()
    found = re.search(r' error=(".*") traceback=(".*")$', failed)
    assert found, failed
    error, traceback = map(json.loads, found.groups())
    assert error.startswith("ValueError: too stiff\nat step 3\n(tesseract_api.py:")
    assert "raise ValueError" in Path(traceback).read_text()
    assert "error=" not in refused


@pytest.mark.parametrize(("path", "methods"), [("/apply", "OPTIONS, POST"), ("/health", "GET")])
def test_options_are_told(double: Served, path: str, methods: str) -> None:
    """OPTIONS answers with the methods of an endpoint, and computes nothing."""
    answer = double.request("OPTIONS", path)
    assert (answer.status, answer.body) == (204, b"")
    assert methods in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/health", "/input_schema", "/output_schema", "/livez"])
def test_head_has_the_headers_of_get(double: Served, path: str) -> None:
    """HEAD answers what GET would, without the body."""
    get, headed = double.get(path), double.request("HEAD", path)
    assert (headed.status, headed.body) == (200, b"")
    for name in ("content-length", "content-type"):
        assert headed.headers[name] == get.headers[name]


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "x" * 500])
def test_compressed_body_is_refused(double: Served, coding: str) -> None:
    """A compressed body is a 415 that explains what to do instead."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Content-Encoding": coding})
    assert (answer.status, len(answer.body) < 500) == (415, True)
    assert "send the body as it is" in answer.json()["detail"]


def test_body_that_is_said_to_be_plain_is_taken(double: Served) -> None:
    """`Content-Encoding: identity` says nothing."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Content-Encoding": "identity"})
    assert answer.status == 200
