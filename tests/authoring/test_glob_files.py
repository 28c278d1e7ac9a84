"""Globs: which files match, for whom, and in which order."""

from __future__ import annotations

import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.registry import known_implementations
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime_core.errors import FileRefused, InvalidOption, MissingFile
from runtime_core.files import FileAccess
from tesseract_runtime_authoring import glob_files
from tesseract_runtime_authoring.glob_files import names_matching
from tests.authoring.conftest import SERVINGS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with nested files, hidden ones and links."""
    root = tmp_path / "root"
    for name in ("a1.json", "a2.json", "b.txt", ".hidden.json", "x[1].json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("{}")
    for name in ("deep/c.json", "deep/er/d.json", ".git/e.json", "folder.json/f.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    (root / "linked").symlink_to("deep")
    (root / "deep" / "again").symlink_to("..")
    (tmp_path / "secret.json").write_text("{}")
    return root


MATCHES = {
    "a*.json": ["a1.json", "a2.json"],
    "a?.json": ["a1.json", "a2.json"],
    "a[2-9].json": ["a2.json"],
    "[!a]*": ["b.txt", "x[1].json"],
    "b.txt": ["b.txt"],
    ".*.json": [".hidden.json"],
    "*.json": ["a1.json", "a2.json", "x[1].json"],
    "x[[]1].json": ["x[1].json"],
    "deep/*.json": ["deep/c.json"],
    "*/*.json": ["deep/c.json", "folder.json/f.json", "linked/c.json"],
    "deep/**/*.json": ["deep/c.json", "deep/er/d.json"],
    "**/d.json": ["deep/er/d.json"],
    "deep/**": ["deep/c.json", "deep/er/d.json"],
    "deep/**/**/d.json": ["deep/er/d.json"],
    "linked/c.json": ["linked/c.json"],
    "deep/../b.txt": ["deep/../b.txt"],
    "*/../b.txt": [
        "deep/../b.txt",
        "folder.json/../b.txt",
        "linked/../b.txt",
    ],
    "./deep//c.json": ["deep/c.json"],
    ".git/*": [".git/e.json"],
}

NOTHING = ["*.csv", "none/*.json", "b.txt/*", "deep", "", ".", "A1.JSON", "a1.json/**"]


@SERVINGS
@pytest.mark.parametrize("pattern", MATCHES)
def test_names_are_those_that_match(pattern: str, remote: bool, tree: Path) -> None:
    """Files match, sorted by name; folders and hidden files do not, unless they are named."""
    files = FileAccess(root=str(tree), confined=remote)
    assert names_matching(pattern, files) == MATCHES[pattern]


@pytest.mark.parametrize("pattern", ["*.json", "**/*.json", "deep/*.json"])
def test_absolute_patterns_give_absolute_names(pattern: str, tree: Path) -> None:
    """Absolute patterns give absolute names, relative ones relative names."""
    files = FileAccess(root=str(tree))
    absolute = names_matching(f"{tree}/{pattern}", files)
    assert absolute == [f"{tree}/{name}" for name in names_matching(pattern, files)]


@SERVINGS
@pytest.mark.parametrize("pattern", NOTHING)
def test_no_match_is_an_error(pattern: str, remote: bool, tree: Path) -> None:
    """A glob that matches no file is an error, not an empty sequence."""
    with pytest.raises(MissingFile) as caught:
        names_matching(pattern, FileAccess(root=str(tree), confined=remote))
    assert str(caught.value).startswith(f"No file matches '@{pattern}' in the input path")


@pytest.mark.parametrize(
    "pattern",
    [
        "../*.json",
        "deep/../../*.json",
        "*/../../*.json",
        "/etc/*",
        "/*/*",
        "outside/*.json",
        "outs*/*.json",
        "**/../../secret.json",
        "s*.json",
        "a\0*",
    ],
)
def test_no_pattern_leads_out(pattern: str, tree: Path) -> None:
    """A remote caller cannot list anything outside, not even through links."""
    (tree / "outside").symlink_to("..")
    (tree / "secret.json").symlink_to("../secret.json")
    with pytest.raises(FileRefused) as caught:
        names_matching(pattern, FileAccess(root=str(tree)))
    assert "root" not in str(caught.value)


def test_the_command_line_lists_any_folder(tree: Path) -> None:
    """The user of the command line reads any file."""
    files = FileAccess(root=str(tree), confined=False)
    assert names_matching("../*.json", files) == ["../secret.json"]
    assert names_matching(f"{tree.parent}/*.json", files) == [f"{tree.parent}/secret.json"]


def test_without_a_root_nothing_is_listed(tree: Path) -> None:
    """A server without an input path does not reveal which files exist."""
    for pattern in ("*.json", f"{tree}/*.json"):
        with pytest.raises(FileRefused, match="was started without --input-path"):
            names_matching(pattern, FileAccess(root=None))


def test_a_folder_that_may_not_be_listed_is_empty(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be listed has no matches; other folders still do."""

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tesseract_runtime_authoring.glob_files.os.scandir", refuse)
    assert names_matching("**/b.txt", FileAccess(root=str(tree))) == ["b.txt"]


PARTS = st.sampled_from(["*", "**", "deep", "er", "..", "again", "a*", "outside", "?.json", "."])


@given(parts=st.lists(PARTS, min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_matches_lies_inside(parts: list[str], tree: Path) -> None:
    """Every returned name resolves to a file below the root."""
    if not (tree / "outside").is_symlink():
        (tree / "outside").symlink_to("..")
    try:
        names = names_matching("/".join(parts), FileAccess(root=str(tree)))
    except (FileRefused, MissingFile):
        return
    for name in names:
        assert (tree / name).resolve().is_relative_to(tree)
        assert (tree / name).resolve().is_file()


class CountingAccess(FileAccess):
    """Access to files that counts the names that it resolves."""

    def resolve(self, name: str, **options: Any) -> Path:
        """Count a name and resolve it."""
        self.__dict__["names"] = [*self.__dict__.get("names", ()), name]
        return super().resolve(name, **options)


@pytest.mark.parametrize("pattern", ["**/" * 60 + "*.json", "**/*/" * 2 + "**/**/*.json"])
def test_a_pattern_visits_each_folder_at_most_once_for_each_part(pattern: str, tree: Path) -> None:
    """Wildcards for any number of folders do not multiply the work."""
    files = CountingAccess(root=str(tree))
    names_matching(pattern, files)
    parts = len([part for part, _ in groupby(pattern.split("/"))])
    assert max(Counter(vars(files)["names"]).values()) <= 2 * parts


def test_a_pattern_that_multiplies_names_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`..` after a wildcard gives the same files more names, without end."""
    monkeypatch.setattr(glob_files, "_MOST_NAMES", 1000)
    with pytest.raises(FileRefused, match="matches more than 1000 names"):
        names_matching("*/../" * 12 + "*.json", FileAccess(root=str(tree)))


@pytest.fixture
def memory() -> Callable[..., None]:
    """Return a function that writes files to fsspec's in-memory file system."""

    def write(*names: str) -> None:
        system = fsspec.filesystem("memory")
        system.store.clear()
        for name in names:
            with fsspec.open(f"memory://{name}", "wb") as file:
                file.write(b"{}")

    return write


def test_urls_are_listed_by_fsspec(memory: Callable[..., None]) -> None:
    """The user of the command line can name files of any file system."""
    memory("runs/b.json", "runs/a.json", "runs/c.txt", "runs/deep/d.json")
    files = FileAccess(root=None, confined=False)
    names = names_matching("memory://runs/*.json", files)
    assert [name.rpartition("runs/")[2] for name in names] == ["a.json", "b.json"]
    assert [files.read(name) for name in names] == [b"{}", b"{}"]


@SERVINGS
def test_a_remote_root_holds_what_lies_in_it(remote: bool, memory: Callable[..., None]) -> None:
    """Relative globs start from an input path that is a URL."""
    memory("runs/a.json", "other/b.json")
    files = FileAccess(root="memory://runs", confined=remote)
    names = names_matching("*.json", files)
    assert len(names) == 1
    assert files.read(names[0]) == b"{}"


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("memory://runs/*.json", ()),
        ("memory://runs/*.json", ("memory://other",)),
        ("memory://other/../runs/*.json", ("memory://other",)),
        ("file:///etc/*", ("memory://other",)),
        ("simplecache::memory://other/*", ("memory://other",)),
        ("http://127.0.0.1:1/*", ()),
    ],
)
def test_a_remote_caller_lists_what_the_operator_admits(
    pattern: str, prefixes: tuple[str, ...], memory: Callable[..., None], tree: Path
) -> None:
    """URLs are refused before any request is made."""
    memory("runs/a.json")
    with pytest.raises(FileRefused):
        names_matching(pattern, FileAccess(root=str(tree), url_prefixes=prefixes))


def test_an_admitted_url_is_listed(memory: Callable[..., None]) -> None:
    """A glob below an allowed URL prefix works."""
    memory("runs/a.json")
    files = FileAccess(root=None, url_prefixes=("memory://runs",))
    assert len(names_matching("memory://runs/*.json", files)) == 1


def test_archives_are_listed(tmp_path: Path) -> None:
    """Matching names keep the chain of file systems."""
    with zipfile.ZipFile(tmp_path / "points.zip", "w") as archive:
        archive.writestr("points/a.json", "{}")
        archive.writestr("points/b.json", "[]")
    files = FileAccess(root=None, confined=False)
    chain = f"::{tmp_path}/points.zip"
    names = names_matching(f"zip://points/*.json{chain}", files)
    assert names == [f"zip://points/a.json{chain}", f"zip://points/b.json{chain}"]


@pytest.mark.parametrize("pattern", ["memory://none/*.json", "http://127.0.0.1:1/*.json"])
def test_a_url_without_a_match_is_reported(pattern: str, memory: Callable[..., None]) -> None:
    """The message names the glob if nothing matches or the server is unreachable."""
    memory("runs/a.json")
    with pytest.raises(MissingFile, match=pattern.replace("*", r"\*")):
        names_matching(pattern, FileAccess(root=None, confined=False))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the missing package of a file system."""
    monkeypatch.setitem(
        known_implementations,
        "lake",
        {"class": "no_such_package.Lake", "err": "Install no_such_package to open the lake"},
    )
    with pytest.raises(InvalidOption, match="Install no_such_package to open the lake"):
        names_matching("lake://points/*.json", FileAccess(root=None, confined=False))


LINKS = b'<a href="a.json">a</a> <a href="http://evil.example/b.json">b</a>'


class Pages(BaseHTTPRequestHandler):
    """A web server with a page of links and a redirect to it."""

    def do_GET(self) -> None:
        """Answer with the links, or redirect to them."""
        moved = not self.path.startswith("/data")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/data/")
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if not moved:
            self.wfile.write(LINKS)

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture
def pages() -> Iterator[str]:
    """Return the URL of the web server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@SERVINGS
def test_a_page_of_links_is_a_folder(remote: bool, pages: str) -> None:
    """A link to another site does not match."""
    files = FileAccess(root=None, confined=remote, url_prefixes=(pages,))
    assert names_matching(f"{pages}/data/*.json", files) == [f"{pages}/data/a.json"]


def test_no_redirect_is_followed_for_a_remote_caller(pages: str) -> None:
    """An allowed server cannot redirect to another one."""
    url = f"{pages}/moved/*.json"
    with pytest.raises(MissingFile):
        names_matching(url, FileAccess(root=None, url_prefixes=(pages,)))
    followed = names_matching(url, FileAccess(root=None, confined=False))
    assert followed == [f"{pages}/moved/a.json"]
