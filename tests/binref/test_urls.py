"""URLs in payloads of a served Tesseract: refused, unless an option allows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import numpy as np
import pytest

from tests.binref.conftest import NUMBERS, document
from tests.conftest import DOUBLE
from tests.server.conftest import serving

if TYPE_CHECKING:
    from tests.binref.conftest import FileServer
    from tests.server.conftest import Answer, Served

Tesseract = Callable[..., Path]

NOT_READ = "URLs are not read for a remote caller unless --allow-url-prefix admits them."
ELSEWHERE = "it leads somewhere else than it says."


def apply(served: Served, buffer: str, **options: Any) -> Answer:
    """Apply a served Tesseract to an array in a file."""
    return served.apply({"x": document(buffer, **options)})


def assert_refused(answer: Answer, expected: str) -> None:
    """Check that an answer is a fault of the array `x` with a reason."""
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert (detail["type"], detail["loc"]) == ("array_decode_error", ["body", "inputs", "x"])
    assert expected in detail["msg"]


@pytest.fixture(scope="module")
def api_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a Tesseract that doubles a vector."""
    path = tmp_path_factory.mktemp("double") / "tesseract_api.py"
    path.write_text(DOUBLE)
    return path


@pytest.fixture(scope="module")
def files(file_server: FileServer) -> FileServer:
    """Return a web server with public and private files."""
    for path in ("/public/data.bin", "/secret.bin", "/public-of-others/data.bin", "/"):
        file_server.files[path] = NUMBERS.tobytes()
    file_server.redirects["/public/away.bin"] = "/secret.bin"
    return file_server


@pytest.fixture(scope="module")
def admitting(api_path: Path, files: FileServer) -> Iterator[Served]:
    """Return a server that may read below `/public` of the web server."""
    with serving(api_path, "--allow-url-prefix", f"{files.url}/public") as served:
        yield served


def test_admitted_url_is_read(admitting: Served, files: FileServer) -> None:
    """A file below an allowed prefix is read, from its offset on."""
    answer = apply(admitting, f"{files.url}/public/data.bin:16", shape=(8,))
    assert answer.status == 200
    np.testing.assert_array_equal(answer.json()["y"]["data"]["buffer"], 2 * NUMBERS[2:])


@pytest.mark.parametrize("name", ["run 7/a.bin", "run%207/a.bin", "7:a.bin", "a..b.bin", "é.bin"])
def test_admitted_url_may_have_any_name_in_it(
    admitting: Served, files: FileServer, name: str
) -> None:
    """Names with spaces, dots and any letters are accepted."""
    files.files[f"/public/{quote(unquote(name), safe='/:')}"] = NUMBERS.tobytes()
    assert apply(admitting, f"{files.url}/public/{name}:0").status == 200


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("{url}/secret.bin", NOT_READ),
        ("{url}/public", NOT_READ),
        ("{url}/public-of-others/data.bin", NOT_READ),
        ("{url}.evil/public/data.bin", NOT_READ),
        ("{url}0/public/data.bin", NOT_READ),
        ("{url}@127.0.0.1/public/data.bin", NOT_READ),
        ("http://user@127.0.0.1:{port}/public/data.bin", NOT_READ),
        ("HTTP://127.0.0.1:{port}/public/data.bin", NOT_READ),
        ("http://localhost:{port}/public/data.bin", NOT_READ),
        ("https://127.0.0.1:{port}/public/data.bin", NOT_READ),
        (" {url}/public/data.bin", NOT_READ),
        ("file:///etc/passwd", NOT_READ),
        ("/etc://x", NOT_READ),
        ("simplecache::{url}/public/data.bin", NOT_READ),
        ("{url}/public/../secret.bin", ELSEWHERE),
        ("{url}/public/x/../../secret.bin", ELSEWHERE),
        ("{url}/public/%2e%2e/secret.bin", ELSEWHERE),
        ("{url}/public/.%2E/secret.bin", ELSEWHERE),
        ("{url}/public/..\\secret.bin", ELSEWHERE),
        ("{url}/public/..%5csecret.bin", ELSEWHERE),
        ("{url}/public/..", ELSEWHERE),
        ("{url}/public/data.bin::file:///etc/passwd", ELSEWHERE),
        ("{url}/public/data.bin%3a%3afile:///etc/passwd", ELSEWHERE),
        ("{url}/public/..?x", ELSEWHERE),
        ("{url}/public/..#x", ELSEWHERE),
        ("{url}/public/.\t./secret.bin", ELSEWHERE),
        ("{url}/public/.\n./secret.bin", ELSEWHERE),
        ("{url}/public/.\r./secret.bin", ELSEWHERE),
    ],
)
def test_prefix_cannot_be_talked_around(
    admitting: Served, files: FileServer, url: str, expected: str
) -> None:
    """Only URLs below the prefix are requested, in any spelling."""
    files.asked.clear()
    assert_refused(apply(admitting, url.format(url=files.url, port=files.port)), expected)
    assert files.asked == []


def test_percent_signs_are_no_way_to_fail(admitting: Served, files: FileServer) -> None:
    """A name that is percent-encoded thousands of times is a missing file."""
    url = f"{files.url}/public/%{'25' * 5000}2e./data.bin"
    assert apply(admitting, url).status == 422


def test_redirection_is_not_followed(admitting: Served, files: FileServer) -> None:
    """An allowed URL cannot redirect to another one."""
    files.asked.clear()
    answer = apply(admitting, f"{files.url}/public/away.bin")
    assert answer.status == 422
    assert set(files.asked) == {"/public/away.bin"}


def test_missing_file_at_an_admitted_place_is_reported(
    admitting: Served, files: FileServer
) -> None:
    """A missing file at an allowed URL is named."""
    url = f"{files.url}/public/none.bin"
    assert_refused(apply(admitting, url), f"Cannot open '{url}': FileNotFoundError")


def test_failing_server_at_an_admitted_place_is_reported(
    admitting: Served, files: FileServer
) -> None:
    """A failing download is a fault of the payload, not of the Tesseract."""
    files.files["/public/broken.bin"] = NUMBERS.tobytes()
    files.broken.add("/public/broken.bin")
    url = f"{files.url}/public/broken.bin"
    assert_refused(apply(admitting, url), url)


def test_admitted_urls_do_not_open_files(admitting: Served) -> None:
    """Without an input path only the allowed URLs are read."""
    assert_refused(apply(admitting, "data.bin"), "without --input-path")


@pytest.mark.parametrize("variable", ["TESSERACT_ALLOW_URL_PREFIX", None])
def test_several_prefixes_are_admitted(
    api_path: Path, files: FileServer, variable: str | None
) -> None:
    """Prefixes are separated by commas, in the option or variable, with or without a slash."""
    prefixes = f"{files.url}/public/,{files.url}/public-of-others"
    options = [] if variable else ["--allow-url-prefix", prefixes]
    environment = {variable: prefixes} if variable else {}
    with serving(api_path, *options, environment=environment) as served:
        assert apply(served, f"{files.url}/public/data.bin").status == 200
        assert apply(served, f"{files.url}/public-of-others/data.bin").status == 200
        assert_refused(apply(served, f"{files.url}/secret.bin"), NOT_READ)


def test_input_path_may_be_a_url(api_path: Path, files: FileServer) -> None:
    """Relative names start from an input path that is a URL and stay below it."""
    with serving(api_path, "--input-path", f"{files.url}/public") as served:
        assert apply(served, "data.bin").status == 200
        assert apply(served, f"{files.url}/public/data.bin").status == 200
        assert_refused(apply(served, "../secret.bin"), ELSEWHERE)
        assert_refused(apply(served, f"{files.url}/secret.bin"), NOT_READ)
        assert_refused(apply(served, "/etc/passwd"), "it lies outside of the input path.")


def test_payload_is_no_url_over_http(admitting: Served, files: FileServer) -> None:
    """A request body is never read from another place, as on the command line."""
    body = json.dumps(f"@{files.url}/public/data.bin")
    assert admitting.request("POST", "/apply", body).status == 422
