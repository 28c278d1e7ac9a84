"""Payloads as text, from files of any kind and from stdin, and the mistakes in naming them."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Cli

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0]}}'
RESULT = (
    '{"y":{"object_type":"array","shape":[1],"dtype":"float64",'
    '"data":{"buffer":[2.0],"encoding":"json"}}}\n'
)


@pytest.mark.parametrize("payload", ["-", "@-"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_payload_from_stdin(cli: Cli, tesseract: Tesseract, payload: str, mark: str) -> None:
    """`-` and `@-` read the payload from stdin."""
    ended = cli("apply", payload, "--api-path", str(tesseract()), input=mark + PAYLOAD)
    assert (ended.stdout, ended.stderr) == (RESULT, "")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
    ids=["8", "16-le", "16-be"],
)
def test_payload_with_a_byte_order_mark(
    here: Here, tesseract: Tesseract, tmp_path: Path, mark: bytes, encoding: str
) -> None:
    """A file that an editor or a shell of Windows has written is read like any other."""
    (tmp_path / "inputs.json").write_bytes(mark + PAYLOAD.encode(encoding))
    ended = here("apply", "@inputs.json", "--api-path", str(tesseract()))
    assert (ended.stdout, ended.stderr) == (RESULT, "")


@pytest.mark.parametrize("name", ["inputs.txt", "inputs.dat", "inputs.JSON", "inputs.v2"])
def test_suffix_of_no_format(here: Here, tesseract: Tesseract, tmp_path: Path, name: str) -> None:
    """A file whose suffix belongs to no format is read as JSON."""
    (tmp_path / name).write_text(PAYLOAD)
    ended = here("apply", f"@{name}", "--api-path", str(tesseract()))
    assert (ended.stdout, ended.stderr) == (RESULT, "")


@pytest.mark.parametrize("name", ["inputs.json", "true.json", "7.msgpack", "inputs"])
@pytest.mark.parametrize("command", ["apply", "check-gradients"])
def test_file_without_its_mark(
    here: Here, tesseract: Tesseract, tmp_path: Path, name: str, command: str
) -> None:
    """The name of a file in the place of a payload is told from JSON."""
    (tmp_path / "inputs").write_text(PAYLOAD)
    ended = here(command, name, "--api-path", str(tesseract()))
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == f"Error: {name!r} is not JSON. Did you mean @{name}?\n"


def test_mistakes_in_keys(here: Here, tesseract: Tesseract) -> None:
    """Inputs without `inputs`, and misspelt fields, get the next step."""
    path = str(tesseract())
    assert here("apply", '{"x": [1.0]}', "--api-path", path).stderr == (
        "Error: The payload of apply is not valid:\n"
        '  inputs: Field required: wrap the inputs in {"inputs": ...}\n'
    )
    assert here("apply", '{"imputs": {"x": [1.0]}}', "--api-path", path).stderr.endswith(
        "  imputs: Extra inputs are not permitted. Did you mean 'inputs'?\n"
    )


@pytest.mark.parametrize(
    ("format_", "end"), [("json", b"}\n"), ("json+base64", b"}\n"), ("msgpack", b"raw")]
)
def test_end_of_an_answer(cli: Cli, tesseract: Tesseract, format_: str, end: bytes) -> None:
    """An answer as text ends with a newline on stdout, and a binary one with its last byte."""
    arguments = ("apply", PAYLOAD, "--api-path", str(tesseract()), "-f", format_)
    ended: Any = cli(*arguments, text=False)
    assert ended.stdout.endswith(end)
