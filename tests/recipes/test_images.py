"""Images: the commands of their recipes, line by line in a fresh environment, without an engine."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.shell import Shell
from tests.patience import SECONDS
from tests.ports import free_port
from tests.recipes.recipe import INPUTS, MODEL, recipe
from tests.server.conftest import ANNOUNCEMENT, Client, Log, running


@dataclass(kw_only=True)
class Image:
    """The image of a Dockerfile: what its instructions have left behind."""

    context: Path
    shell: Shell
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    def build(self, dockerfile: str) -> None:
        """Do what the instructions say."""
        lines = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", "")
        for line in filter(None, lines.splitlines()):
            self._follow(*line.split(maxsplit=1))

    def _follow(self, instruction: str, argument: str) -> None:
        match instruction:
            case "WORKDIR":
                self.folder = Path(argument)
                self.folder.mkdir()
            case "COPY":
                source, target = argument.split()
                copied(self.context / source, self.folder / target)
            case "RUN":
                self.shell.run(argument, self.folder, variables=self.variables)
            case "ENV":
                name, _, value = argument.partition("=")
                self.variables[name] = value
            case _:
                assert instruction in {"FROM", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
                self.settings[instruction] = argument


def copied(source: Path, target: Path) -> None:
    """Copy a folder, or a file to a path or into a folder."""
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell in the environment of an image, which has Python and pip alone."""
    venv = tmp_path_factory.mktemp("image") / "venv"
    yield Shell(venv)
    shutil.rmtree(venv)


@pytest.fixture(scope="module")
def context(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to build images from, with wheels made by the command of the page."""
    folder = tmp_path_factory.mktemp("context")
    copied(MODEL / "tesseract_api.py", folder)
    (folder / "requirements.txt").write_text("# The model needs numpy alone.\n")
    page = Path(REPOSITORY, "docs", "production.md").read_text(encoding="utf-8")
    [line] = re.findall("^pip wheel .*", page, re.MULTILINE)
    shell.run(line.replace("../model", str(folder)), REPOSITORY)
    return folder


def test_dockerfile_gives_a_server(shell: Shell, context: Path, tmp_path: Path) -> None:
    """Its lines install and check the model; as an ordinary user it is served, probed and ended."""
    image = Image(context=context, shell=shell, folder=tmp_path)
    port = free_port()
    image.build(recipe("Dockerfile", {"/model": tmp_path / "model", "8000": port}))
    assert int(image.settings["USER"]) > 0
    probe = image.settings["HEALTHCHECK"].partition("CMD ")[2]
    shell.run(probe, image.folder, status=1)
    command = json.loads(image.settings["CMD"])
    variables = shell.environment | image.variables
    with running(command, environment=variables, folder=image.folder) as process:
        Log(process).wait_for(ANNOUNCEMENT)
        shell.run(probe, image.folder)
        assert Client(port=port).apply(INPUTS).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def test_apptainer_definition_gives_a_command(shell: Shell, context: Path, tmp_path: Path) -> None:
    """An image for Apptainer is the command line of its model."""
    definition = recipe("model.def", {"/model": tmp_path / "model"})
    _, *parts = re.split(r"^%(\w+)\n", definition, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    (tmp_path / "model").mkdir()
    for line in filter(None, sections["files"].splitlines()):
        source, target = line.split()
        copied(context / source, Path(target))
    shell.run(f"set -e; {sections['post']}", tmp_path)
    payload = shlex.quote(json.dumps({"inputs": INPUTS}))
    call = f"set -- apply {payload}\n{sections['environment']}\n{sections['runscript']}"
    assert json.loads(shell.run(call, tmp_path))["result"]["shape"] == [3]
