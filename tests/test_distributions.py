"""The commands that install the distributions of this project."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import ANY

import pytest

from runtime_core.distributions import CORE, install_command, with_install_commands

URL = "https://git.example.org/runtime.git"
GIT = f'uv pip install "tesseract-runtime-jax @ git+{URL}'
SOURCES = {
    "registry": (None, "pip install tesseract-runtime-jax"),
    "wheel": (
        {"url": "file:///tmp/a.whl", "archive_info": {}},
        "pip install tesseract-runtime-jax",
    ),
    "checkout": ({"url": "file:///src/it", "dir_info": {}}, "pip install /src/it/plugins/jax"),
    "editable": (
        {"url": "file:///a%20b", "dir_info": {"editable": True}},
        "pip install '/a b/plugins/jax'",
    ),
    "git": (
        {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "1a2b"}},
        f'{GIT}#subdirectory=plugins/jax"',
    ),
    "branch": (
        {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "1a2b", "requested_revision": "v1"}},
        f'{GIT}@v1#subdirectory=plugins/jax"',
    ),
}
"""The `direct_url.json` of an installed core, and the command that installs a plugin."""

WITH_EXTRA = {
    "registry": "pip install 'tesseract-runtime-jax[gpu]'",
    "checkout": "pip install '/src/it/plugins/jax[gpu]'",
    "git": f'{GIT.replace("jax", "jax[gpu]")}#subdirectory=plugins/jax"',
}
"""The command for an extra, which shells such as zsh must not expand."""


@pytest.mark.parametrize("source", SOURCES)
def test_plugin_is_installed_from_where_the_core_is_from(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message names the checkout, the git repository or the registry of the core.

    A text for others names no path of this machine.
    """
    direct_url, line = SOURCES[source]
    metadata = tmp_path / "tesseract_runtime_core-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {CORE}\nVersion: 1.0\n", encoding="utf-8")
    if direct_url is not None:
        (metadata / "direct_url.json").write_text(json.dumps(direct_url), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert install_command("tesseract-runtime-jax") == line
    assert install_command("tesseract-runtime-jax", extra="gpu") == WITH_EXTRA.get(source, ANY)
    text = "$ pip install tesseract-runtime-jax"
    if source in ("checkout", "editable"):
        text = f"$ pip install tesseract-runtime\n{text}"
        line = (
            "pip install -r requirements/standard.txt  # in a checkout of tesseract-runtime\n"
            "$ pip install ./plugins/jax  # in a checkout of tesseract-runtime"
        )
    assert with_install_commands(text) == f"$ {line}"
