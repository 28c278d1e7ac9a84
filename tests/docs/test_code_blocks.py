"""The documentation does what it says: every block of code on every page is run.

The blocks of a page run in their order, in one folder and one namespace. A `python` block of
prompts is a doctest. A block whose first line is a comment with the name of a file is written to
that file. In a `console` block, lines after `$ ` are commands, the lines below each are what it
prints, and `...` stands for anything.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import pytest

import runtime_core
from runtime_core import hookspecs
from runtime_core.calls.scope import _default_scope
from runtime_core.catalog import KINDS
from tests.patience import SECONDS
from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = Path("docs", "examples")

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(?:#|//) (\S+\.\w+)\n")
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block of a page; `place` is where an editor finds it."""

    language: str
    attributes: str
    text: str
    place: str


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(REPOSITORY)
    return [
        Block(
            language=match[1],
            attributes=match[2].strip(),
            text=match[3],
            place=f"{name}:{text.count(chr(10), 0, match.start()) + 1}",
        )
        for match in BLOCK.finditer(text)
    ]


PAGES = {
    str(page.relative_to(REPOSITORY)): blocks
    for pattern in ("*.md", "docs/*.md", "docs/examples/*/README.md", "plugins/*/README.md")
    for page in sorted(REPOSITORY.glob(pattern))
    if (blocks := blocks_of(page))
}


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_page_do_what_they_say(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block of a page runs, and its commands print the output below them."""
    shutil.copytree(REPOSITORY / EXAMPLES, tmp_path / EXAMPLES)
    monkeypatch.chdir(tmp_path)
    enable_editable_installs(tmp_path / "site")
    _default_scope.cache_clear()  # its paths are relative to the folder in which it was made
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # pydantic looks for it there
    for block in PAGES[page]:
        assert not block.attributes, f"{block.place}: a block has no attributes but its language"
        if path := write_named_file(block):
            vars(module)["__file__"] = str(path.absolute())
        if block.language == "python":
            run_python(block, vars(module))
        elif block.language == "console":
            run_console(block)


@pytest.mark.parametrize("hook", KINDS)
def test_example_of_hook_provides_declarations(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in a hook's docstring is a plugin that provides the hook's declarations."""
    docstring = getattr(hookspecs, hook).__doc__
    [(_, _, source)] = BLOCK.findall(textwrap.dedent(docstring.partition("Example:\n")[2]))
    plugin = ModuleType(f"example_of_{hook}")
    monkeypatch.setitem(sys.modules, plugin.__name__, plugin)  # pydantic looks for it there
    exec(compile(source, f"<example of {hook}>", "exec"), vars(plugin))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    [declarations] = getattr(manager.hook, hook)()
    assert [type(declaration) for declaration in declarations] == [KINDS[hook].type]


MODULES = [module.name for module in pkgutil.walk_packages(runtime_core.__path__, "runtime_core.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_right(name: str) -> None:
    """The prompts in the docstrings of a module give the results below them."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def write_named_file(block: Block) -> Path | None:
    """Write a block to the file that its first line names, if it does, and return the file."""
    if not (match := FILE.match(block.text)):
        return None
    path = Path(match[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return path


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Execute a block, or run it as a doctest when it has prompts."""
    if block.text.startswith(">>>"):
        test = doctest.DocTestParser().get_doctest(block.text, namespace, block.place, None, 0)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        assert runner.run(test, clear_globs=False).failed == 0, block.place
        namespace.update(test.globs)  # the runner works on a copy
    else:
        exec(compile(block.text, block.place, "exec"), namespace)


def run_console(block: Block) -> None:
    """Run the commands of a block in one shell, and compare the output of each."""
    _, *parts = COMMAND.split(block.text.replace("8000", str(free_port())))
    commands, shown = parts[::2], parts[1::2]
    printed = bash(commands)
    for command, expected, (text, status) in zip(commands, shown, printed, strict=True):
        pattern = re.escape(expected.strip()).replace(re.escape("..."), ".*")
        matches = re.fullmatch(pattern, text.strip(), re.DOTALL)
        assert matches, f"{block.place}: $ {command}\nshown: {expected}\nprinted: {text}"
        assert status == 0 or "Error" in expected, f"{block.place}: $ {command} gave {status}"


def bash(commands: list[str]) -> list[tuple[str, int]]:
    """Run commands, and return the output and exit status of each."""
    mark = f"end-of-{os.getpid()}-"
    script = "\n".join(f"{command}\nprintf '\\n{mark}%s\\n' $?" for command in commands)
    # Not a pipe: a server that the block leaves running would keep it open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["bash", "-c", script],
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(2 * SECONDS)
        finally:
            end_group(process.pid)
            process.wait()
        output.seek(0)
        *texts, _ = re.split(rf"\n{mark}(\d+)\n", output.read())
    return list(zip(texts[::2], map(int, texts[1::2]), strict=True))


def end_group(leader: int) -> None:
    """Kill the processes that a block left running, such as a server."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def enable_editable_installs(site: Path) -> None:
    """Have Python follow the links to editable distributions in a folder."""
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(site)!r})\n")


def environment() -> dict[str, str]:
    """Return an environment without options of the runtime, where pip installs into `site`.

    Without an index and build isolation: the plugins of the documentation need nothing new.
    """
    site = Path("site").absolute()
    plain = {key: value for key, value in os.environ.items() if "TESSERACT" not in key}
    return plain | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(site),
        "PIP_TARGET": str(site),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # to pip, 0 is the value that turns isolation off
        "PIP_NO_COMPILE": "0",  # the same; two plugins would share a folder of what is compiled
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "80",
        # The server would start six more processes, each of which imports all of MLflow.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
