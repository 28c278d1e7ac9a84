"""The destination of results: stdout, or a file at any path or URL that fsspec can write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from runtime_core.cli.context import CommandContext
from runtime_core.config import RuntimeConfig, absolute
from runtime_core.contracts import Buffer
from runtime_core.errors import MissingFile
from runtime_core.files import is_url, join, write
from runtime_core.run_logs.standard_output import STDOUT, write_all


def _known_format(context: typer.Context, name: str | None) -> str | None:
    if name is not None:
        context.obj.catalog.formats.find(name)
    return name


def _absolute(path: str | None) -> str | None:
    return absolute(path) if path else path


OutputPath = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output-path",
        help="Output path to write the result to, such as local directory or S3 URI (may be "
        "anything supported by fsspec). [default: write to stdout]",
        callback=_absolute,  # before user code may change the working directory
        show_default=False,
    ),
]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        "-f",
        "--output-format",
        help="Output format to write results in.",
        callback=_known_format,
        show_default=False,
    ),
]


def folder_of_results(config: RuntimeConfig, output_path: str | None) -> str | None:
    """Return the folder or URL for files of a result, if one was given to command or program."""
    named = config.output_file is not None or "output_path" in config.given
    return output_path or (config.output_path if named else None)


def deliver(
    context: CommandContext,
    body: Sequence[Buffer],
    format_name: str,
    output_path: str | None = None,
    *,
    stdout: int = STDOUT,
) -> None:
    """Write a document to `-o`, `--output-file` or stdout; errors are those of `files.write`.

    In a session `stdout` must be a descriptor that was claimed before.
    """
    config, format_ = context.config, context.catalog.formats.find(format_name)
    if output_path is None and config.output_file is None:
        is_text = not context.catalog.encodings.find(format_.array_encoding).binary
        try:
            write_all(stdout, [*body, b"\n"] if is_text else body)
        except BrokenPipeError:
            raise typer.Exit(0) from None  # the reader has closed it, which is not a fault
        except OSError as error:
            raise MissingFile(f"Cannot write the result to stdout: {error.strerror}.") from None
        return
    name = config.output_file or f"results{format_.suffixes[0]}"
    write(name if is_url(name) else join(output_path or config.output_path, name), body)
