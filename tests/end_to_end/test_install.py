"""Every line with which the documentation installs the runtime, in an environment of its own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.shell import Shell

OWN_NAME = re.compile(r"search for versions of tesseract|/simple/tesseract")
"""A line of pip's log that tells of a question to a registry for a distribution of ours."""

FIRST_STEPS = (
    "tesseract-runtime init model && cd model && tesseract-runtime check && tesseract-runtime test"
)
"""What a new user types after the installation."""


NEW_PLUGIN = (
    "tesseract-runtime plugins new acme-hello --kind command"
    " && pip wheel --no-deps --wheel-dir wheels ./acme-hello && pip install wheels/*.whl"
    " && tesseract-runtime plugins check acme-hello"
)
"""What an author of a plugin types, to a wheel of it."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a git repository that holds what this checkout would commit."""
    root = tmp_path_factory.mktemp("install") / "checkout"
    listed = _git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
    _git(root, "init", "--quiet")
    _git(root, "add", "--all")
    _git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=All")
    yield root
    shutil.rmtree(root.parent)


def _git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return ended.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Return a shell whose environment is removed after the test."""
    yield Shell(tmp_path / "venv")
    shutil.rmtree(tmp_path / "venv")


def assert_missing_plugin_can_be_installed(shell: Shell, tmp_path: Path, hint: str) -> None:
    """Remove a plugin, run the line that the error message has, and use the plugin."""
    shell.run("uv pip uninstall --quiet tesseract-runtime-lz4", tmp_path)
    use = "tesseract-runtime --compression lz4 --api-path model/tesseract_api.py apply "
    use += "@model/inputs.json -f json+base64"
    told = shell.run(use, tmp_path, status=2)
    line = told.strip().rpartition("Install it with: ")[2]
    assert line == hint
    shell.run(line, tmp_path)
    assert '"compression":"lz4"' in shell.run(use, tmp_path)


def test_checkout_is_installed_by_pip(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    """`pip install -r requirements/standard.txt` gives what the first steps need."""
    log = tmp_path / "pip.log"
    shell.run(f"pip install --log {log} -r requirements/standard.txt", checkout)
    assert not OWN_NAME.search(log.read_text(encoding="utf-8"))
    assert "1 passed" in shell.run(FIRST_STEPS, tmp_path)
    hint = f"pip install {shlex.quote(f'{checkout}/plugins/lz4')}"
    assert_missing_plugin_can_be_installed(shell, tmp_path, hint)
    assert shell.run(NEW_PLUGIN, tmp_path).endswith("acme-hello: command 'acme-hello': ok\n")
    assert shell.run("tesseract-runtime acme-hello --name lever", tmp_path) == "Hello lever\n"


def test_all_plugins_of_a_checkout_are_found_in_it(
    checkout: Path, shell: Shell, tmp_path: Path
) -> None:
    """`pip install -r requirements/all.txt` takes every distribution of ours from its folder."""
    log = tmp_path / "pip.log"
    shell.run(f"pip install --dry-run --log {log} -r requirements/all.txt", checkout)
    text = log.read_text(encoding="utf-8")
    assert not OWN_NAME.search(text)
    assert "tesseract-runtime-jax-0.1.0" in text


def test_git_url_is_installed_by_uv(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    """A git URL of the standard set brings its siblings from the same commit."""
    url = f"git+file://{checkout}"
    shell.run(f'uv pip install "tesseract-runtime @ {url}#subdirectory=plugins/standard"', tmp_path)
    assert "1 passed" in shell.run(FIRST_STEPS, tmp_path)
    hint = f'uv pip install "tesseract-runtime-lz4 @ {url}#subdirectory=plugins/lz4"'
    assert_missing_plugin_can_be_installed(shell, tmp_path, hint)


def test_command_of_the_readme_works(checkout: Path, shell: Shell) -> None:
    """The first command of the README needs Python and git alone, and prints what the text says."""
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    command = re.findall(r"```bash\n(python3 -m venv .*tesseract-runtime .*)\n```", readme)[0]
    assert round(float(shell.run(command, checkout).split()[-2]), 3) == 0.755
