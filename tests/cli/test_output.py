"""The destinations of results and the sources of payloads: stdout, folders, files and URLs."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from tests.conftest import DOUBLE, EXAMPLES, WRITING, WRITTEN, Cli

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

PAYLOAD = '{"inputs": {"x": [1.0]}}'
RESULT = (
    b'{"y":{"object_type":"array","shape":[1],"dtype":"float64",'
    b'"data":{"buffer":[2.0],"encoding":"json"}}}'
)
RESULT_BASE64 = (
    b'{"y":{"object_type":"array","shape":[1],"dtype":"float64",'
    b'"data":{"buffer":"AAAAAAAAAEA=","encoding":"base64"}}}'
)


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def apply(here: Here, tesseract: Tesseract) -> Callable[..., Any]:
    """Return a function that runs `apply` on `PAYLOAD`, with options before and after."""

    def run(*after: str, before: tuple[str, ...] = (), payload: str = PAYLOAD) -> Any:
        return here("--api-path", str(tesseract()), *before, "apply", payload, *after)

    return run


def results(folder: Path) -> list[str]:
    """Return the names in a folder without the run and the link to its log."""
    return [name for name in names(folder) if name != "logs" and not name.startswith("run_")]


@pytest.mark.parametrize(
    "option", [("-o", "out"), ("--output-path", "out"), ("--output-path=out",)]
)
def test_output_path_takes_the_result(
    apply: Callable[..., Any], tmp_path: Path, option: tuple[str, ...]
) -> None:
    """A folder given after the command takes the result, and stdout stays empty."""
    ended = apply(*option)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "out" / "results.json").read_bytes() == RESULT
    assert results(tmp_path / "out") == ["results.json"]


def test_folders_of_the_output_path_are_made(apply: Callable[..., Any], tmp_path: Path) -> None:
    """An output path need not exist."""
    assert apply("-o", "a/b/c").code == 0
    assert (tmp_path / "a" / "b" / "c" / "results.json").read_bytes() == RESULT


@pytest.mark.parametrize(
    "option",
    [("-f", "json+base64"), ("--output-format", "json+base64"), ("--output-format=json+base64",)],
)
def test_output_format_after_the_command(
    apply: Callable[..., Any], option: tuple[str, ...]
) -> None:
    """`-f` chooses the format of the result."""
    assert apply(*option).stdout.encode() == RESULT_BASE64 + b"\n"


def test_output_format_before_the_command(apply: Callable[..., Any]) -> None:
    """The global option is the default of the one after the command."""
    assert apply(before=("--output-format", "json+base64")).stdout.encode() == RESULT_BASE64 + b"\n"
    ended = apply("-f", "json", before=("--output-format", "json+base64"))
    assert ended.stdout.encode() == RESULT + b"\n"


def test_suffix_follows_the_format(apply: Callable[..., Any], tmp_path: Path) -> None:
    """Both forms of JSON go to `results.json`."""
    apply("-o", "out", "-f", "json+base64")
    assert (tmp_path / "out" / "results.json").read_bytes() == RESULT_BASE64


def test_output_file_names_the_result(apply: Callable[..., Any], tmp_path: Path) -> None:
    """`--output-file` is the name of the file in the output path."""
    ended = apply("-o", "out", before=("--output-file", "answer.txt"))
    assert (ended.code, ended.stdout) == (0, "")
    assert results(tmp_path / "out") == ["answer.txt"]


def test_global_output_path_does_not_redirect(apply: Callable[..., Any], tmp_path: Path) -> None:
    """Before the command, `--output-path` says where runs write; the result stays on stdout."""
    ended = apply(before=("--output-path", "runs"))
    assert ended.stdout.encode() == RESULT + b"\n"
    assert not (tmp_path / "runs" / "results.json").exists()


def test_output_path_after_the_command_overrules(apply: Callable[..., Any], tmp_path: Path) -> None:
    """The folder after the command takes the result, whatever stands before it."""
    assert apply("-o", "mine", before=("--output-path", "runs")).code == 0
    assert (tmp_path / "mine" / "results.json").exists()


def test_memory_url_takes_the_result(apply: Callable[..., Any]) -> None:
    """The output path may be a URL of any file system that fsspec knows."""
    ended = apply("-o", "memory://bucket/runs/")
    assert (ended.code, ended.stdout) == (0, "")
    assert fsspec.filesystem("memory").cat("/bucket/runs/results.json") == RESULT


def test_file_url_takes_the_result(apply: Callable[..., Any], tmp_path: Path) -> None:
    """A `file://` URL is a folder."""
    assert apply("-o", f"file://{tmp_path}/new/folder").code == 0
    assert (tmp_path / "new" / "folder" / "results.json").read_bytes() == RESULT


@pytest.mark.parametrize("command", ["health", "input-schema", "output-schema", "openapi-schema"])
def test_every_document_can_go_to_a_file(
    here: Here, tesseract: Tesseract, tmp_path: Path, command: str
) -> None:
    """All commands that write a document have `-o` and `-f`."""
    ended = here("--api-path", str(tesseract()), command, "-o", "out", "-f", "json")
    assert (ended.code, ended.stdout) == (0, "")
    assert json.loads((tmp_path / "out" / "results.json").read_bytes())


def test_file_as_output_path_is_refused(apply: Callable[..., Any], tmp_path: Path) -> None:
    """A result is not written to a folder whose path is a file."""
    (tmp_path / "out").write_text("precious")
    ended = apply("-o", "out")
    assert ended.code == 2
    assert ended.stderr.startswith(f"Error: Cannot write '{tmp_path}/out/results.json': ")
    assert (tmp_path / "out").read_text() == "precious"


def test_relative_output_path_is_that_of_the_command(
    here: Here, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """User code that changes the working directory does not move the result."""
    source = DOUBLE.replace("    return", "    import os; os.chdir('/')\n    return", 1)
    path = str(tesseract(source))
    ended = here("--api-path", path, "apply", '{"inputs": {"x": [1.0]}}', "-o", "results")
    assert ended.code == 0
    assert "results.json" in names(tmp_path / "results")


@pytest.mark.parametrize("url", ["nonsense://x", "file:///dev/null/x"])
def test_url_that_cannot_be_written_is_told(apply: Callable[..., Any], url: str) -> None:
    """A URL that cannot be opened for writing is named in one line."""
    ended = apply("-o", url)
    assert ended.code == 2
    assert ended.stderr.startswith(f"Error: Cannot open '{url}/results.json': ")
    assert ended.stderr.count("\n") == 1


def test_url_that_fails_while_it_is_written_is_told(apply: Callable[..., Any]) -> None:
    """A destination that fails during writing is named in one line."""
    ended = apply(before=("--output-file", "file:///dev/full"))
    assert ended.code == 2
    assert "No space left on device" in ended.stderr
    assert "file:///dev/full" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_failing_tesseract_leaves_an_old_result(
    here: Here, tesseract: Tesseract, tmp_path: Path
) -> None:
    """A result of an earlier call stays when the next one fails."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text("old")
    ended = here("--api-path", str(tesseract()), "apply", '{"inputs": {}}', "-o", "out")
    assert ended.code == 2
    assert (tmp_path / "out" / "results.json").read_text() == "old"


def test_result_is_readable_as_the_umask_says(apply: Callable[..., Any], tmp_path: Path) -> None:
    """A result has the permissions of any new file."""
    mask = os.umask(0o027)
    try:
        apply("-o", "out")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "out" / "results.json").stat().st_mode) == 0o640


def test_result_may_go_into_a_pipe(apply: Callable[..., Any], tmp_path: Path) -> None:
    """A FIFO, or a device such as `/dev/stdout`, is written into and not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    descriptor = os.open(pipe, os.O_RDWR)  # so that no process waits when the pipe is replaced
    try:
        ended = apply(before=("--output-file", str(pipe)))
        reader = threading.Thread(target=lambda: got.append(os.read(descriptor, 4096)))
        assert ended.code == 0
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        reader.start()
        reader.join(10)
    finally:
        os.close(descriptor)
    assert got == [RESULT]


def test_result_behind_a_link_is_written_where_it_leads(
    apply: Callable[..., Any], tmp_path: Path
) -> None:
    """A link in the place of the result stays a link."""
    (tmp_path / "target").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "target" / "real.json")
    assert apply(before=("--output-file", "link.json")).code == 0
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "target" / "real.json").read_bytes() == RESULT


@pytest.mark.parametrize("name", ["payload.json", "payload", "./payload.json", "a b.json"])
def test_payload_from_a_file(apply: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """`@PATH` reads the payload from a file, JSON if its name does not say otherwise."""
    (tmp_path / name).write_text(PAYLOAD)
    assert apply(payload=f"@{name}").stdout.encode() == RESULT + b"\n"


def test_payload_from_an_absolute_path(apply: Callable[..., Any], tmp_path: Path) -> None:
    """The command line may read any file that its user may read."""
    path = tmp_path / "elsewhere" / "payload.json"
    path.parent.mkdir()
    path.write_text(PAYLOAD)
    assert apply(payload=f"@{path}", before=("--input-path", "nowhere")).code == 0
    assert apply(payload=f"@file://{path}").stdout.encode() == RESULT + b"\n"


def test_payload_from_a_link(apply: Callable[..., Any], tmp_path: Path) -> None:
    """A link leads to the payload."""
    (tmp_path / "real.json").write_text(PAYLOAD)
    (tmp_path / "link.json").symlink_to("real.json")
    assert apply(payload="@link.json").code == 0


@pytest.mark.parametrize("url", ["memory://payload.json", "memory://payload.json?version=3"])
def test_payload_from_a_url(apply: Callable[..., Any], url: str) -> None:
    """`@URL` reads the payload from anything that fsspec opens; a query is not a suffix."""
    fsspec.filesystem("memory").pipe(url.removeprefix("memory:/"), PAYLOAD.encode())
    ended = apply(payload=f"@{url}")
    assert (ended.stdout.encode(), ended.stderr) == (RESULT + b"\n", "")


@pytest.mark.parametrize("example", ["vectoradd", "mauna_loa"])
def test_example_runs_from_any_folder(cli: Cli, example: str) -> None:
    """The examples of the documentation work with absolute paths from anywhere."""
    folder = EXAMPLES / example
    api_path = str(folder / "tesseract_api.py")
    ended = cli("--api-path", api_path, "apply", f"@{folder / 'inputs.json'}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("before", "after", "environment"),
    [
        (("--output-path", "new/out"), (), {}),
        (("--output-path", "new/other"), ("-o", "new/out"), {}),
        ((), (), {"TESSERACT_OUTPUT_PATH": "new/out"}),
    ],
    ids=["before", "after", "variable"],
)
def test_output_path_is_made_before_user_code_runs(
    cli_here: Cli,
    tesseract: Tesseract,
    tmp_path: Path,
    before: tuple[str, ...],
    after: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    """The file may write there when it is imported, in `setup` and in `apply`."""
    path = str(tesseract(WRITING))
    arguments = ("--api-path", path, *before, "apply", '{"inputs": {}}', *after)
    ended = cli_here(*arguments, environment=environment)
    assert ended.returncode == 0, ended.stderr
    found = {path.name for path in (tmp_path / "new").glob("*/*.txt")}
    assert found == WRITTEN
    assert {"setup.txt", "apply.txt"} <= {*names(tmp_path / "new" / "out")}


def test_commands_leave_no_files(here: Here, tesseract: Tesseract, tmp_path: Path) -> None:
    """A command writes nothing to its working directory unless told to."""
    here("--api-path", str(tesseract()), "apply", PAYLOAD)
    assert names(tmp_path) == ["tesseract"]


@pytest.mark.parametrize("after", [("-f", "json"), ()])
def test_array_encoding_is_chosen_apart_from_the_format(
    apply: Callable[..., Any], after: tuple[str, ...]
) -> None:
    """The option is taken before and after the command."""
    assert apply(*after, "--array-encoding", "base64").stdout.encode() == RESULT_BASE64 + b"\n"
    before = ("--array-encoding", "base64")
    assert apply(*after, before=before).stdout.encode() == RESULT_BASE64 + b"\n"


@pytest.mark.parametrize("command", ["apply", "serve"])
def test_format_with_its_own_encoding_takes_no_other(
    here: Here, tesseract: Tesseract, command: str
) -> None:
    """It is the mistake of the caller, before anything is computed, and names both."""
    options = ("--output-format", "json+base64", "--array-encoding", "json")
    payload = [PAYLOAD] if command == "apply" else []
    ended = here("--api-path", str(tesseract()), *options, command, *payload)
    assert (ended.code, ended.stdout) == (2, "")
    assert "Format 'json+base64' writes arrays as base64, not as json. Leave the" in ended.stderr
