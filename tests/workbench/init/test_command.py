"""The command `init` writes a folder, lists the next steps and overwrites nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Cli
from tests.workbench.init.conftest import WithRecipe, lines, tree

if TYPE_CHECKING:
    from tests.cli.conftest import Here

FILES = ["tesseract_api.py", "README.md", "inputs.json", "test_cases/apply.json", ".gitignore"]


def test_new_folder(here: Here) -> None:
    """The folder is made, and the next commands are listed."""
    ended = here("init", "a/new one")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == lines(
        """
        Wrote a/new one/tesseract_api.py
        Wrote a/new one/README.md
        Wrote a/new one/inputs.json
        Wrote a/new one/test_cases/apply.json
        Wrote a/new one/.gitignore

        Next:
          cd 'a/new one'
          tesseract-runtime check
          tesseract-runtime test
          tesseract-runtime apply @inputs.json
          tesseract-runtime check-gradients @inputs.json
          tesseract-runtime serve
        """
    )
    assert all(Path("a/new one", name).is_file() for name in FILES)


@pytest.mark.parametrize("arguments", [(), (".",)])
def test_working_directory(here: Here, arguments: tuple[str, ...]) -> None:
    """Without a folder the files are written to the working directory."""
    Path("co2.csv").write_text("1958,315\n")
    ended = here("init", *arguments)
    assert ended.code == 0
    assert "cd " not in ended.stdout
    assert tree(Path()).keys() == {"co2.csv", "test_cases", *FILES}


def test_own_ignored_files_are_kept(here: Here) -> None:
    """A `.gitignore` that is there already stays, and the other files are written."""
    Path(".gitignore").write_text("/data\n")
    ended = here("init")
    assert (ended.code, ".gitignore" in ended.stdout) == (0, False)
    assert Path(".gitignore").read_text() == "/data\n"


def test_files_of_runs_are_ignored(here: Here) -> None:
    """Git sees none of the files that a run and the link to its log consist of."""
    here("init")
    subprocess.run(["git", "init", "--quiet"], check=True)
    Path("run_1/logs").mkdir(parents=True)
    Path("run_1/logs/tesseract.log").touch()
    Path("logs").symlink_to("run_1/logs")
    asked = ["git", "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    assert sorted(line.removeprefix("?? ") for line in seen) == sorted(FILES)


def test_recipe_of_jax(here: Here) -> None:
    """A recipe of another plugin is chosen by its name."""
    assert here("init", "--recipe", "jax", "new").code == 0
    assert "import jax" in Path("new/tesseract_api.py").read_text()


def _file(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("mine")


def _folder(path: str) -> None:
    Path(path).mkdir(parents=True)


def _broken_link(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).symlink_to("nowhere")


@pytest.mark.parametrize(
    ("make", "paths", "named"),
    [
        (_file, ["new/README.md"], "'new/README.md'"),
        (_file, ["new/inputs.json", "new/README.md"], "'new/README.md', 'new/inputs.json'"),
        (_folder, ["new/README.md"], "'new/README.md'"),
        (_broken_link, ["new/README.md"], "'new/README.md'"),
        (_file, ["new/test_cases"], "'new/test_cases'"),
        (_broken_link, ["new/test_cases"], "'new/test_cases'"),
        (_file, ["new"], "'new'"),
    ],
)
def test_nothing_is_written_over(
    here: Here, make: Callable[[str], None], paths: list[str], named: str
) -> None:
    """Existing files are named, the exit code is 2, and nothing changes."""
    for path in paths:
        make(path)
    before = tree(Path())
    ended = here("init", "new")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: Nothing was written, because there is already {named}. Name another folder.\n"
    )
    assert tree(Path()) == before


def test_second_time(here: Here) -> None:
    """An existing Tesseract is not overwritten."""
    here("init", "new")
    Path("new/tesseract_api.py").write_text("my work")
    assert here("init", "new").code == 2
    assert Path("new/tesseract_api.py").read_text() == "my work"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jacks", "Unknown recipe 'jacks'. Did you mean 'jax'? Available: base, jax."),
        ("", "Unknown recipe ''. Available: base, jax."),
    ],
)
def test_unknown_recipe(here: Here, name: str, message: str) -> None:
    """An unknown recipe is a usage error and makes no folder."""
    ended = here("init", "--recipe", name, "new")
    assert (ended.code, ended.stdout, ended.stderr) == (2, "", f"Error: {message}\n")
    assert not Path("new").exists()


def test_recipe_that_is_not_installed(here: Here) -> None:
    """For a known recipe the message has the install command."""
    ended = here("--no-plugin", "jax", "init", "--recipe", "jax", "new")
    assert ended.code == 2
    assert ended.stderr.startswith("Error: Recipe 'jax' may come from tesseract-runtime-jax")


def test_folder_that_cannot_be_made(here: Here) -> None:
    """An error of the system is reported, and partial files are removed."""
    ended = here("init", f"new/{'x' * 300}")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: Cannot write 'new/xxx")
    assert ended.stderr.endswith("x': File name too long.\n")
    assert tree(Path()) == {}


def _init(cli: Cli, environment: object) -> subprocess.CompletedProcess[str]:
    return cli("init", "--recipe", "acme", "new", environment=environment)


def test_recipe_of_a_plugin(cli: Cli, with_recipe: WithRecipe, tmp_path: Path) -> None:
    """The files of a plugin's recipe are written unchanged; its prints go to stderr."""
    body = "print('noise'); return {'a/b/c.txt': 'ä\\n', 'inputs.json': '{}'}"
    ended = _init(cli, with_recipe(body))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == "noise\n"
    assert ended.stdout == lines(
        """
        Wrote new/a/b/c.txt
        Wrote new/inputs.json
        Wrote new/.gitignore

        Next:
          cd new
          tesseract-runtime apply @inputs.json
          tesseract-runtime check-gradients @inputs.json
        """
    )
    assert (tmp_path / "new/a/b/c.txt").read_bytes() == "ä\n".encode()


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "", "."])
def test_recipe_with_a_file_outside(
    cli: Cli, with_recipe: WithRecipe, tmp_path: Path, name: str
) -> None:
    """A recipe with files outside of the folder is refused and named."""
    ended = _init(cli, with_recipe(f"return {{'good.txt': '', {name!r}: ''}}"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"Error: Recipe 'acme' of acme-recipes 2.0 cannot be used: {name!r} is not inside of the "
        "new folder.\n"
    )
    assert not (tmp_path / "new").exists()


def test_recipe_that_fails(cli: Cli, with_recipe: WithRecipe, tmp_path: Path) -> None:
    """The message names the plugin that failed."""
    ended = _init(cli, with_recipe("return {}['nothing']"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: Plugin acme (acme-recipes 2.0) failed in files of recipes 'acme': KeyError: "
        "'nothing'\n"
    )
    assert not (tmp_path / "new").exists()


def test_recipe_that_cannot_be_written_whole(
    cli: Cli, with_recipe: WithRecipe, tmp_path: Path
) -> None:
    """When a file fails, the earlier ones and their folders are removed."""
    ended = _init(cli, with_recipe("return {'a/b': 'text', 'a/b/c': 'text'}"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: Cannot write 'new/a/b")
    assert not (tmp_path / "new").exists()
