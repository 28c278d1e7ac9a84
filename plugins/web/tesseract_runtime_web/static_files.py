"""The files of the page, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType

_MEDIA_TYPES = MappingProxyType(
    {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
)

_PAGE = "index.html"


@dataclass(frozen=True, kw_only=True)
class StaticFile:
    """The content of a file, with its media type and entity tag."""

    content: bytes
    media_type: str
    tag: str


def static_files(*, plot_library: str) -> Mapping[str, StaticFile]:
    """Return the files by their paths in URLs: the page at `/`, the others in `/web`.

    The page names the path of the plot library.
    """
    folder = files("tesseract_runtime_web") / "static"
    return {
        "/" if file.name == _PAGE else f"/web/{file.name}": _static_file(
            file.name, file.read_bytes().replace(b"{plot_library}", plot_library[1:].encode())
        )
        for file in folder.iterdir()
    }


def _static_file(name: str, content: bytes) -> StaticFile:
    return StaticFile(
        content=content,
        media_type=_MEDIA_TYPES[name.rpartition(".")[2]],
        tag=f'"{sha256(content).hexdigest()[:32]}"',
    )
