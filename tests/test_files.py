"""Access to files: the rights of callers, and writing."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from runtime_core.errors import FileRefused, InvalidOption, MissingFile, NotWritten
from runtime_core.files import FileAccess, is_url, join, write


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a file in it, next to a secret."""
    root = tmp_path / "inputs"
    (root / "deep").mkdir(parents=True)
    (root / "data.bin").write_bytes(b"data")
    (root / "deep" / "more.bin").write_bytes(b"more")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "inputs-of-others").write_bytes(b"secret")
    return root


@pytest.mark.parametrize("name", ["data.bin", "./data.bin", "deep/../data.bin", "deep//more.bin"])
def test_file_inside_is_read(root: Path, name: str) -> None:
    """A relative name inside of the root is opened."""
    assert FileAccess(root=str(root)).read(name) in (b"data", b"more")


def test_absolute_name_inside_is_read(root: Path) -> None:
    """An absolute name is opened when it lies inside of the root."""
    assert FileAccess(root=str(root)).read(str(root / "data.bin")) == b"data"


def test_base_is_where_names_start(root: Path) -> None:
    """Relative names start from `base`, which may be relative to the root itself."""
    access = FileAccess(root=str(root))
    assert access.read("more.bin", base="deep") == b"more"
    assert access.read("more.bin", base=root / "deep") == b"more"
    assert access.read("../data.bin", base="deep") == b"data"


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "deep/../../secret",
        "/etc/passwd",
        "../inputs-of-others",
        "..",
        "/",
        "deep/../..",
    ],
)
def test_name_outside_is_refused(root: Path, name: str) -> None:
    """Nothing outside the root is opened, and the message does not reveal whether it exists."""
    with pytest.raises(FileRefused, match="it lies outside of the input path"):
        FileAccess(root=str(root)).read(name)


@pytest.mark.parametrize("base", ["..", "/etc", "deep/../.."])
def test_base_outside_is_refused(root: Path, base: str) -> None:
    """A base does not lead out of the root."""
    with pytest.raises(FileRefused):
        FileAccess(root=str(root)).read("secret", base=base)


def test_link_out_is_refused(root: Path) -> None:
    """A link is judged by where it leads, in any part of the name."""
    (root / "link").symlink_to("../secret")
    (root / "folder").symlink_to("..")
    for name in ("link", "folder/secret"):
        with pytest.raises(FileRefused):
            FileAccess(root=str(root)).read(name)


@pytest.mark.parametrize(("swapped", "name"), [("data.bin", "data.bin"), ("deep", "deep/more.bin")])
def test_link_swapped_in_leads_nowhere(root: Path, swapped: str, name: str) -> None:
    """What becomes a link between the check and the opening does not lead out of the root."""
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "more.bin").write_bytes(b"secret")
    here, link, done = root / swapped, root / "link", threading.Event()
    (root / "there").symlink_to(elsewhere if here.is_dir() else root.parent / "secret")

    def swap() -> None:
        while not done.is_set():
            here.rename(link)
            (root / "there").rename(here)
            here.rename(root / "there")
            link.rename(here)

    def attempt() -> bytes:
        try:
            return FileAccess(root=str(root)).read(name)
        except (FileRefused, MissingFile):
            return b""

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = {attempt() for _ in range(3_000)}  # without the checks, one of 70 leads out
    finally:
        done.set()
        swapping.join()
    assert b"secret" not in seen
    assert seen & {b"data", b"more"}


def test_link_inside_is_followed(root: Path) -> None:
    """A link that stays inside is as good as the file."""
    (root / "link").symlink_to("deep/more.bin")
    assert FileAccess(root=str(root)).read("link") == b"more"


def test_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    """A root that is a link has the files of its target."""
    (tmp_path / "mounted").symlink_to(root)
    assert FileAccess(root=str(tmp_path / "mounted")).read("data.bin") == b"data"


@pytest.mark.parametrize("name", ["none.bin", "none/none.bin", "data.bin/x"])
def test_missing_file_is_named(root: Path, name: str) -> None:
    """A missing file is a distinct error."""
    with pytest.raises(MissingFile, match=r"Cannot read 'n|Cannot read 'data.bin/x'"):
        FileAccess(root=str(root)).read(name)


@pytest.mark.parametrize("name", ["n" * 256, "é" * 128, "n/" * 2048, "a/" * 300_000])
@pytest.mark.parametrize("confined", [True, False])
def test_name_beyond_the_bound_is_refused_unread(root: Path, name: str, confined: bool) -> None:
    """A long path would take seconds to resolve."""
    with pytest.raises(FileRefused, match="at most 4095 bytes, and a name in it 255"):
        FileAccess(root=str(root), confined=confined).resolve(name)


@pytest.mark.parametrize("confined", [True, False])
def test_only_regular_files_are_opened(root: Path, confined: bool) -> None:
    """A folder, a FIFO or a device is refused at once, also when it would block."""
    os.mkfifo(root / "pipe")
    access = FileAccess(root=str(root), confined=confined)
    for name in ("deep", "pipe", ".", ""):
        with pytest.raises(MissingFile, match="it is not a regular file"):
            access.read(name)


def test_device_is_not_opened() -> None:
    """A device that never ends is refused for everybody."""
    with pytest.raises(MissingFile, match="it is not a regular file"):
        FileAccess(root=None, confined=False).read("/dev/zero")


@pytest.mark.parametrize("name", ["data.bin\0", "\0", "deep\0/../data.bin"])
def test_nul_is_refused(root: Path, name: str) -> None:
    """A NUL character is refused before the operating system sees it."""
    with pytest.raises(FileRefused, match="NUL"):
        FileAccess(root=str(root)).read(name)


@pytest.mark.parametrize("name", ["data.bin", "/etc/passwd", "", "file:///etc/passwd"])
def test_nothing_is_opened_without_a_root(name: str) -> None:
    """A server that was started without an input path opens nothing at all."""
    with pytest.raises(FileRefused, match="is not opened"):
        FileAccess(root=None).read(name)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:8000/health",
        "memory://x",
        "simplecache::file:///etc/passwd",
        "local:///etc/passwd",
        "/etc://x",
        "::",
    ],
)
def test_url_of_a_remote_caller_is_refused(root: Path, url: str) -> None:
    """A URL in a payload is not opened for its sender."""
    with pytest.raises(FileRefused, match="is not opened"):
        FileAccess(root=str(root)).read(url)


def test_allowed_url_is_read(root: Path, memory: fsspec.AbstractFileSystem) -> None:
    """A URL that begins with an allowed prefix is opened, and no other."""
    memory.pipe("/bucket/data.bin", b"data")
    memory.pipe("/other/data.bin", b"other")
    access = FileAccess(root=str(root), url_prefixes=("memory://bucket/",))
    assert access.read("memory://bucket/data.bin") == b"data"
    with pytest.raises(FileRefused):
        access.read("memory://other/data.bin")


@pytest.mark.parametrize(
    "url",
    [
        "memory://bucket-of-others/data.bin",
        "memory://bucket/../other/data.bin",
        "memory://bucket/x::file:///etc/passwd",
        "memory://bucket",
        "memory://bucket.evil/data.bin",
        "memory://bucket@evil/data.bin",
        "MEMORY://bucket/data.bin",
        " memory://bucket/data.bin",
        "memory:///bucket/data.bin",
        "memory://bucket/%2e%2e/other/data.bin",
        "memory://bucket/.%2E/other/data.bin",
        "memory://bucket/..\\other/data.bin",
        "memory://bucket/..?x",
        "memory://bucket/..#x",
        "memory://bucket/.\t./other/data.bin",
        "memory://bucket/.\n./other/data.bin",
    ],
)
@pytest.mark.parametrize("rights", ["prefix", "prefix/", "root"])
def test_allowed_prefix_is_a_whole_place(
    root: Path, memory: fsspec.AbstractFileSystem, url: str, rights: str
) -> None:
    """A prefix admits URLs below it, not those that only begin with the same text."""
    memory.pipe("/bucket-of-others/data.bin", b"secret")
    memory.pipe("/other/data.bin", b"secret")
    memory.pipe("/bucket/data.bin", b"data")
    access = {
        "prefix": FileAccess(root=str(root), url_prefixes=("memory://bucket",)),
        "prefix/": FileAccess(root=None, url_prefixes=("memory://other/x", "memory://bucket/")),
        "root": FileAccess(root="memory://bucket"),
    }[rights]
    assert access.read("memory://bucket/data.bin") == b"data"
    with pytest.raises(FileRefused, match="is not opened"):
        access.read(url)


@pytest.mark.parametrize("root_url", ["memory://bucket", "memory://bucket/"])
@pytest.mark.parametrize("confined", [True, False])
def test_root_may_be_a_url(
    memory: fsspec.AbstractFileSystem, root_url: str, confined: bool
) -> None:
    """Relative names start from a root that is a URL, and so does a relative base."""
    memory.pipe("/bucket/data.bin", b"data")
    memory.pipe("/bucket/deep/more.bin", b"more")
    access = FileAccess(root=root_url, confined=confined)
    assert access.read("data.bin") == b"data"
    assert access.read("deep/more.bin") == b"more"
    assert access.read("more.bin", base="deep") == b"more"
    assert access.read("more.bin", base="memory://bucket/deep/") == b"more"
    assert access.read("memory://bucket/data.bin") == b"data"


@pytest.mark.parametrize("name", ["../other/data.bin", "deep/../../other/data.bin", "/etc/passwd"])
def test_root_that_is_a_url_is_a_fence(memory: fsspec.AbstractFileSystem, name: str) -> None:
    """Only URLs below the root are opened, and no local files."""
    memory.pipe("/other/data.bin", b"secret")
    with pytest.raises(FileRefused, match="is not opened"):
        FileAccess(root="memory://bucket").read(name)


def test_base_that_is_a_url_needs_rights(root: Path, memory: fsspec.AbstractFileSystem) -> None:
    """A base does not extend the rights of a name."""
    memory.pipe("/bucket/data.bin", b"data")
    with pytest.raises(FileRefused, match="is not opened"):
        FileAccess(root=str(root)).read("data.bin", base="memory://bucket")
    access = FileAccess(root=str(root), url_prefixes=("memory://bucket",))
    assert access.read("data.bin", base="memory://bucket") == b"data"


def test_user_of_the_command_line_reads_anything(
    root: Path, memory: fsspec.AbstractFileSystem
) -> None:
    """The user of the process may read any file and URL."""
    memory.pipe("/bucket/data.bin", b"data")
    access = FileAccess(root=str(root), confined=False)
    assert access.read("../secret") == b"secret"
    assert access.read(str(root.parent / "secret")) == b"secret"
    assert access.read("memory://bucket/data.bin") == b"data"
    assert access.read(f"file://{root}/data.bin") == b"data"


def test_missing_url_is_named(root: Path) -> None:
    """A URL that cannot be read is named with the reason."""
    access = FileAccess(root=str(root), confined=False)
    with pytest.raises(MissingFile, match=r"Cannot open 'memory://none': FileNotFoundError"):
        access.read("memory://none")


def test_url_that_needs_a_package_says_which(root: Path) -> None:
    """A URL of a file system that is not installed is a wrong option, which names the package."""
    access = FileAccess(root=str(root), confined=False)
    with pytest.raises(InvalidOption, match="needs a package that is not installed"):
        access.read("dropbox://x")


def test_file_is_written_with_its_folders(tmp_path: Path) -> None:
    """Buffers are written one after the other, into folders that are made."""
    write(str(tmp_path / "a" / "b.bin"), [b"ab", memoryview(b"cd"), bytearray(b"e")])
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"abcde"
    assert names(tmp_path / "a") == ["b.bin"]


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing of a longer old file remains."""
    target = tmp_path / "b.bin"
    target.write_bytes(b"something longer")
    write(str(target), [b"new"])
    assert target.read_bytes() == b"new"


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    """A write that fails halfway keeps the old file, and leaves no draft."""
    target = tmp_path / "b.bin"
    target.write_bytes(b"old")

    def buffers() -> Iterator[bytes]:
        yield b"half of the new"
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write(str(target), buffers())
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["b.bin"]


def test_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Until the last buffer has come, a reader sees the old file."""
    target = tmp_path / "b.bin"
    target.write_bytes(b"old")
    seen = []

    def buffers() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000
            seen.append(target.read_bytes())

    write(str(target), buffers())
    assert seen == [b"old"] * 3
    assert target.stat().st_size == 300_000


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_of_the_umask(tmp_path: Path, mask: int, mode: int) -> None:
    """A written file has the permissions that `open` would have given it."""
    before = os.umask(mask)
    try:
        write(str(tmp_path / "b.bin"), [b"x"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "b.bin").stat().st_mode) == mode


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    """Of two files that are written at once to one name, one is there in the end, whole."""
    target = tmp_path / "b.bin"
    texts = [letter * 1_000_000 for letter in (b"a", b"b")]
    threads = [threading.Thread(target=write, args=(str(target), [text])) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in texts
    assert names(tmp_path) == ["b.bin"]


def test_target_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in the place of the file, or a file in that of a folder, is an error."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "folder", tmp_path / "file" / "x"):
        with pytest.raises(NotWritten, match=f"Cannot write '{target}'"):
            write(str(target), [b"x"])


def test_url_of_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """A URL that cannot be written is named with the reason."""
    (tmp_path / "file").write_bytes(b"")
    url = f"file://{tmp_path}/file/x"
    with pytest.raises(NotWritten, match=f"Cannot (open|write) '{url}'"):
        write(url, [b"x"])


def test_url_is_written(memory: fsspec.AbstractFileSystem) -> None:
    """Anything that fsspec can write is a target."""
    write("memory://bucket/a/b.bin", [b"ab", memoryview(b"cd")])
    assert memory.cat("/bucket/a/b.bin") == b"abcd"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3://bucket/key", True),
        ("simplecache::s3://bucket/key", True),
        ("data/x.json", False),
        ("/data/x.json", False),
        ("a:b", False),
        ("", False),
    ],
)
def test_url_is_told_from_a_path(name: str, expected: bool) -> None:
    """A name is a URL when fsspec would read it as one."""
    assert is_url(name) is expected


@pytest.mark.parametrize(
    ("folder", "joined"),
    [
        ("out", "out/results.json"),
        ("out/", "out/results.json"),
        ("/out", "/out/results.json"),
        (".", "results.json"),
        ("s3://bucket", "s3://bucket/results.json"),
        ("s3://bucket/", "s3://bucket/results.json"),
    ],
)
def test_name_is_joined_to_a_folder(folder: str, joined: str) -> None:
    """Folders and URLs are joined to a name alike."""
    assert join(folder, "results.json") == joined
