"""The files of a new plugin, made of the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

TEMPLATE = Path(__file__).with_name("template")
"""The files of a plugin `acme-example`; those of one kind are in a folder named like its hook."""

IGNORED = "__pycache__/\n/dist/\n"
"""The `.gitignore` of a new plugin."""


_SUFFIXES = (".md", ".py", ".toml", ".typed")  # tools leave other files beside these


def files_of(name: str, hook: str) -> Mapping[str, str]:
    """Return the text of each file of a plugin with one hook, by its path.

    >>> sorted(path for path in files_of("acme-hex", "encodings") if path.endswith("py"))
    ['src/acme_hex/__init__.py', 'src/acme_hex/codec.py', 'src/acme_hex/plugin.py', \
'tests/test_acme_hex.py']
    """
    words = {
        "acme-example": name,
        "acme_example": module_name(name),
        "AcmeExample": name.title().replace("-", ""),
        "Acme-Example": name.title(),
        "ACME_EXAMPLE": module_name(name).upper(),
    }
    texts = {str(path): file.read_text("utf-8") for path, file in _sources(hook)}
    return {
        ".gitignore": IGNORED,
        **{_filled(path, words): _filled(text, words) for path, text in texts.items()},
    }


def module_name(name: str) -> str:
    """Return the name of a plugin in Python, which is that of its package.

    >>> module_name("acme-hex")
    'acme_hex'
    """
    return name.replace("-", "_")


def _sources(hook: str) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield the path of each file of the template in a plugin, and the file."""
    kinds = TEMPLATE / "kinds"
    for file in sorted(TEMPLATE.rglob("*.*")):
        if file.suffix in _SUFFIXES and kinds not in file.parents:
            yield PurePosixPath(file.relative_to(TEMPLATE).as_posix()), file
    for file in sorted((kinds / hook).glob("*.py")):
        folder = "tests" if file.name.startswith("test_") else "src/acme_example"
        yield PurePosixPath(folder, file.name), file


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, replacement in words.items():
        text = text.replace(word, replacement)
    return text
