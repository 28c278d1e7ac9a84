"""The routes of a server, over real sockets."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.conftest import DOUBLE, EXAMPLES
from tests.patience import SECONDS
from tests.server.conftest import exchange, serving

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Served

PAYLOAD = json.dumps({"inputs": {"x": [1.0, 2.0]}})


def values(tree: Any) -> Any:
    """Return the numbers of an array document in the encoding `json`."""
    return tree["data"]["buffer"]


def test_apply_answers_with_the_result(double: Served) -> None:
    """`POST /apply` answers with the document of the result."""
    answer = double.apply({"x": [1.0, 2.0]})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json() == {
        "y": {
            "object_type": "array",
            "shape": [2],
            "dtype": "float64",
            "data": {"buffer": [2.0, 4.0], "encoding": "json"},
        }
    }


@pytest.mark.parametrize("example", ["vectoradd", "mauna_loa"])
def test_example_is_served(example: str) -> None:
    """Each example of the documentation answers its own inputs over HTTP."""
    folder = EXAMPLES / example
    with serving(folder / "tesseract_api.py") as served:
        answer = served.request("POST", "/apply", (folder / "inputs.json").read_bytes())
    assert answer.status == 200
    assert (
        answer.json().keys()
        == {
            "vectoradd": {"result"},
            "mauna_loa": {"modelled", "residuals", "rmse"},
        }[example]
    )


def test_example_vectoradd_computes_its_sum() -> None:
    """The example's answer over HTTP is the sum that its documentation promises."""
    folder = EXAMPLES / "vectoradd"
    with serving(folder / "tesseract_api.py") as served:
        answer = served.request("POST", "/apply", (folder / "inputs.json").read_bytes())
    assert values(answer.json()["result"]) == [12.0, 24.0, 36.0]


def test_health_is_ok(double: Served) -> None:
    """`GET /health` answers with the status that probes look for."""
    answer = double.get("/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("path", "property"), [("/input_schema", "inputs"), ("/output_schema", "y")]
)
def test_schemas_are_json_schemas(double: Served, path: str, property: str) -> None:
    """The two schemas describe the payload and the result of `apply`."""
    answer = double.get(path)
    assert answer.status == 200
    assert property in json.dumps(answer.json())
    assert "properties" in json.dumps(answer.json())


@pytest.mark.parametrize("path", ["/health", "/input_schema", "/output_schema"])
def test_get_may_carry_a_body(double: Served, path: str) -> None:
    """A GET with a body is answered, and its connection can be used again."""
    connection = double.connection()
    statuses = [exchange(connection, "GET", path, b"{}" * size).status for size in (1, 50_000, 1)]
    connection.close()
    assert statuses == [200, 200, 200]


def test_head_answers_without_a_body(double: Served) -> None:
    """`HEAD /health` has the headers of a GET and no body."""
    answer = double.request("HEAD", "/health")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "15"


def test_unknown_path_is_404(double: Served) -> None:
    """An unknown path is a 404 in JSON."""
    answer = double.request("POST", "/nothing", PAYLOAD)
    detail = "Not Found. GET / lists the paths."
    assert (answer.status, answer.json()) == (404, {"detail": detail})
    assert double.get("/doc").json() == {"detail": "Not Found. Did you mean '/docs'?"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/apply", "POST"),
        ("PUT", "/apply", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/input_schema", "GET"),
    ],
)
def test_wrong_method_is_405(double: Served, method: str, path: str, allowed: str) -> None:
    """A method that an endpoint does not have is a 405 that names the allowed ones."""
    answer = double.request(method, path)
    assert answer.status == 405
    assert allowed in answer.headers["allow"]
    assert answer.json() == {"detail": f"Method Not Allowed: {path} takes {allowed}."}


def test_run_id_is_given_back(double: Served) -> None:
    """The run id of the query names the run, in the header of the answer."""
    answer = double.request("POST", "/apply?run_id=fit-7.a_B", PAYLOAD)
    assert (answer.status, answer.headers["tesseract-run-id"]) == (200, "fit-7.a_B")


def test_run_id_is_a_new_uuid_by_default(double: Served) -> None:
    """Runs without a given id have different UUIDs."""
    ids = {double.apply({"x": [1.0]}).headers["tesseract-run-id"] for _ in range(2)}
    assert len({UUID(run_id) for run_id in ids}) == 2


@pytest.mark.parametrize(
    "run_id", ["", "a/b", "..", "a..b", "%2e%2e", "a%00b", "a%0Ab", "%C3%A9", "x" * 129]
)
def test_wrong_run_id_is_422(double: Served, run_id: str) -> None:
    """A run id that cannot name a folder is refused, with its place."""
    answer = double.request("POST", f"/apply?run_id={run_id}", PAYLOAD)
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert detail["loc"] == ["query", "run_id"]
    assert "1 to 128 letters" in detail["msg"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("not json", {}),
        ("{}", {}),
        (PAYLOAD, {"Content-Type": "text/plain"}),
        (PAYLOAD, {"Accept": "image/png"}),
    ],
)
def test_refusals_carry_a_run_id_too(double: Served, body: str, headers: dict[str, str]) -> None:
    """Every answer of a computing endpoint has the header, whatever its status."""
    answer = double.request("POST", "/apply?run_id=mine", body, headers)
    assert answer.status >= 400
    assert answer.headers.get("tesseract-run-id") == "mine"


def test_two_requests_on_one_connection(double: Served) -> None:
    """A connection stays open for the next call."""
    connection = double.connection()
    first = exchange(connection, "POST", "/apply", PAYLOAD)
    peer = connection.sock
    second = exchange(connection, "POST", "/apply", PAYLOAD)
    assert peer is connection.sock
    connection.close()
    assert first.body == second.body


def test_chunked_body_is_read(double: Served) -> None:
    """A body without a `Content-Length` is assembled from its chunks."""
    connection = double.connection()
    chunks = iter([PAYLOAD[:7].encode(), PAYLOAD[7:].encode()])
    connection.request("POST", "/apply", chunks, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["y"]["shape"] == [2]
    connection.close()


def test_request_that_is_not_http_is_400(double: Served) -> None:
    """Bytes that are not HTTP are refused, and the server goes on."""
    with socket.create_connection(("127.0.0.1", double.port), timeout=SECONDS) as connection:
        connection.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        answer = connection.recv(4096)
    assert re.match(rb"HTTP/1.1 400", answer)
    assert double.get("/health").status == 200


def test_server_does_not_name_its_software(double: Served) -> None:
    """No header names the software to an attacker."""
    assert "server" not in double.get("/health").headers


def test_name_of_the_tesseract_is_announced(serve: Serve) -> None:
    """The line that says where the server is begins with the name of the Tesseract."""
    served = serve(DOUBLE, "--name", "Doubler")
    url = f"http://127.0.0.1:{served.port}"
    served.log.wait_for(rf"Serving Doubler on {url} .*\n  file: .*tesseract_api.py\n")
    served.log.wait_for(rf"  endpoints: apply\n  workers: 1\n  documentation: {url}/docs\n")


def test_start_lists_the_paths(double: Served, serve: Serve) -> None:
    """`GET /` is a list in JSON, and for a browser, whose `Accept` prefers HTML, a page."""
    listed = {path.pop("path"): path for path in double.get("/").json()["paths"]}
    assert listed["/apply"]["methods"] == ["POST"]
    assert {"/health", "/docs", "/openapi.json", "/plugins", "/readyz"} <= listed.keys()
    assert all(path["summary"] for path in listed.values())
    assert listed["/runs"]["summary"] == "List the runs that have files."
    assert listed["/livez"]["summary"] != listed["/readyz"]["summary"]
    plain = serve(DOUBLE, "--no-plugin", "web")
    page = plain.get("/", accept="text/html,application/xml;q=0.9,*/*;q=0.8")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'<a href="\.(/[^"]*)"', page.body.decode())
    assert "/apply" not in links
    assert "<p>\n" not in page.body.decode()
    assert {plain.get(link).status for link in links} == {200}


def test_body_of_a_form_gets_a_hint(double: Served) -> None:
    """The 415 of `curl -d` names the option that sends JSON."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = double.request("POST", "/apply", PAYLOAD, headers)
    assert answer.status == 415
    assert answer.json()["detail"].endswith(
        "use curl --json, or add -H 'Content-Type: application/json'."
    )
