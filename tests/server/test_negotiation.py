"""Content negotiation over real sockets."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import DOUBLE, Cli

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from tests.server.conftest import Serve, Served

JSON, BASE64 = "application/json", "application/json+base64"
PAYLOAD = json.dumps({"inputs": {"x": [1.0]}})
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

ACCEPTED = [
    ("", JSON),
    ("*/*", JSON),
    ("application/*", JSON),
    (JSON, JSON),
    (BASE64, BASE64),
    ("APPLICATION/JSON+Base64", BASE64),
    (BROWSER, JSON),
    (f"{JSON}, {BASE64}", JSON),
    (f"{BASE64}, {JSON}", BASE64),
    (f"{JSON};q=0.5, {BASE64}", BASE64),
    (f"{JSON};q=0.5, {BASE64};q=0.4", JSON),
    (f"text/html, {BASE64};q=0.1", BASE64),
    (f"{BASE64};q=0.2, */*;q=0.9", JSON),
    (f"{JSON};q=0, */*", BASE64),
    (f"{JSON};q=0, application/*;q=0.1", BASE64),
    (f"{BASE64};q=nonsense, {JSON};q=0.1", JSON),
    (f"{BASE64}; gpu_transport=none", BASE64),
    (f"{BASE64};gpu_transport=none;compression=none;q=0.5", BASE64),
    (f'{BASE64};compression="none"', BASE64),
    (f"{BASE64};compression=unheard-of, {JSON};q=0.5", JSON),
    (f"{BASE64};gpu_transport=unheard-of, {JSON};q=0.5", JSON),
    (f",, {BASE64} ,", BASE64),
]

NOT_ACCEPTABLE = [
    "image/png",
    "text/*",
    f"{JSON};q=0",
    "*/*;q=0",
    f"{JSON};compression=unheard-of",
    "*/*;compression=unheard-of",
    f"{JSON};gpu_transport=unheard-of",
    "nonsense",
]


@pytest.mark.parametrize(("accept", "expected"), ACCEPTED)
def test_accept_chooses_the_format(double: Served, accept: str, expected: str) -> None:
    """The best range that can be produced decides."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, expected)


def test_no_accept_gives_the_configured_format(double: Served) -> None:
    """Without `Accept` the answer is JSON."""
    answer = double.request("POST", "/apply", PAYLOAD)
    assert answer.headers["content-type"] == JSON


def test_output_format_is_what_wildcards_mean(serve: Serve) -> None:
    """The option `--output-format` decides where the request leaves the choice."""
    served = serve(DOUBLE, "--output-format", "json+base64")
    answers = [served.apply({"x": [1.0]}, accept=accept) for accept in ("*/*", BROWSER, JSON)]
    assert [answer.headers["content-type"] for answer in answers] == [BASE64, BASE64, JSON]


@pytest.mark.parametrize(
    ("accept", "expected"), [(f"{JSON};q=0.2, */*", BASE64), (f"*/*, {JSON};q=0", BASE64)]
)
def test_most_specific_range_says_how_good_a_format_is(
    double: Served, accept: str, expected: str
) -> None:
    """A wildcard does not override a range that names the format (RFC 9110, 12.5.1)."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, expected)


def test_several_accept_headers_are_one(double: Served) -> None:
    """A header that comes in several lines is read as their list (RFC 9110, 5.3)."""
    connection = double.connection()
    connection.putrequest("POST", "/apply")
    connection.putheader("Content-Length", str(len(PAYLOAD)))
    connection.putheader("Accept", "image/png")
    connection.putheader("Accept", BASE64)
    connection.endheaders(PAYLOAD.encode())
    response = connection.getresponse()
    response.read()
    connection.close()
    assert (response.status, response.getheader("Content-Type")) == (200, BASE64)


def test_many_ranges_are_refused(double: Served) -> None:
    """A header `Accept` of more ranges than any client needs is not searched."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Accept": ",".join(["*/*"] * 65)})
    assert answer.status == 406
    assert answer.json()["detail"]["message"] == "The header Accept has more than 64 media ranges."


@pytest.mark.parametrize("accept", NOT_ACCEPTABLE)
def test_not_acceptable_says_what_is(double: Served, catalog: Catalog, accept: str) -> None:
    """A 406 lists the formats, compressions and transports, in the form of existing clients."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Accept": accept})
    assert answer.status == 406
    detail = answer.json()["detail"]
    message = detail.pop("message")
    assert accept in message
    assert detail == {
        "available_formats": list(catalog.formats.names),
        "available_compressions": ["none", *catalog.compressors.names],
        "available_gpu_transports": ["none"],
    }


@pytest.mark.parametrize("path", ["/health", "/input_schema", "/output_schema"])
def test_accept_holds_for_get(double: Served, path: str) -> None:
    """Endpoints without a payload choose their format in the same way."""
    assert double.get(path, accept=BASE64).headers["content-type"] == BASE64
    assert double.get(path, accept=BROWSER).headers["content-type"] == JSON
    assert double.get(path, accept="image/png").status == 406


@pytest.mark.parametrize(
    "content_type",
    ["", JSON, BASE64, "Application/JSON", f"{JSON}; charset=utf-8", f"{BASE64};x=y"],
)
def test_content_type_is_understood(double: Served, content_type: str) -> None:
    """All forms of JSON are read; so is a body without a type."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Content-Type": content_type})
    assert answer.status == 200


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/octet-stream", "multipart/form-data; boundary=x", "json", "*/*"],
)
def test_unknown_content_type_is_415(double: Served, content_type: str) -> None:
    """A body of another type is refused with the types that are known."""
    answer = double.request("POST", "/apply", PAYLOAD, {"Content-Type": content_type})
    assert answer.status == 415
    media_type = content_type.partition(";")[0]
    detail = answer.json()["detail"]
    assert detail.startswith(f"Content-Type {media_type!r} is not supported. Known: {JSON}, ")
    assert BASE64 in detail


@pytest.mark.parametrize("content_type", [None, JSON, BASE64])
@pytest.mark.parametrize("leaf", [{}, {"object_type": "array"}])
def test_leaf_says_its_own_encoding(
    double: Served, content_type: str | None, leaf: dict[str, Any]
) -> None:
    """An array in base64 is read whatever the type of its document, as existing clients post it."""
    buffer = base64.b64encode(struct.pack("<2d", 1.5, 2.5)).decode()
    data = {"buffer": buffer, "encoding": "base64"}
    array = {**leaf, "shape": [2], "dtype": "float64", "data": data}
    headers = {"Content-Type": content_type} if content_type else {}
    body = json.dumps({"inputs": {"x": array}})
    answer = double.request("POST", "/apply", body, headers)
    assert (answer.status, answer.json()["y"]["data"]["buffer"]) == (200, [3.0, 5.0])


def test_base64_answer_holds_the_bytes(double: Served) -> None:
    """An answer in base64 has the little-endian bytes of its arrays."""
    tree = double.apply({"x": [1.5, 2.5]}, accept=BASE64).json()
    assert tree["y"]["data"]["encoding"] == "base64"
    assert struct.unpack("<2d", base64.b64decode(tree["y"]["data"]["buffer"])) == (3.0, 5.0)


@pytest.mark.parametrize("media_type", [JSON, BASE64])
def test_empty_array_is_answered(double: Served, media_type: str) -> None:
    """An array without elements travels like any other."""
    answer = double.apply({"x": []}, accept=media_type)
    assert answer.status == 200
    assert answer.json()["y"]["shape"] == [0]
    assert not answer.json()["y"]["data"]["buffer"]


@pytest.mark.parametrize("option", ["--output-format", "--compression"])
def test_unusable_default_ends_serve_at_once(
    cli_here: Cli, tesseract: Callable[..., Path], option: str
) -> None:
    """An unknown format or compression is reported at the start, not to every client."""
    ended = cli_here("--api-path", str(tesseract()), option, "unheard-of", "serve", "-p", "0")
    assert ended.returncode == 2
    assert "'unheard-of'" in ended.stderr
