"""Where results go: to stdout, or to a file at any place that fsspec can write."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Buffer, Format
from runtime_core.files import is_url, join, write


def _known_format(context: typer.Context, name: str | None) -> str | None:
    if name is not None:
        context.obj.catalog.formats.find(name)
    return name


OutputPath = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output-path",
        help="Output path to write the result to, such as local directory or S3 URI (may be "
        "anything supported by fsspec). [default: write to stdout]",
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


def deliver(
    body: Sequence[Buffer], format_: Format, config: RuntimeConfig, output_path: str | None
) -> None:
    """Write a result to where the options say; errors are those of `files.write`.

    A folder given after the command takes the result; a global `--output-path` only says where
    `--output-file` is put.
    """
    if output_path is None and config.output_file is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(body)
        sys.stdout.buffer.flush()
        return
    name = config.output_file or f"results{format_.suffixes[0]}"
    write(name if is_url(name) else join(output_path or config.output_path, name), body)
