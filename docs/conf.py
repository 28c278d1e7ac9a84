"""Configuration of the documentation site: `sphinx-build -W -b html docs docs/_build`."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "tesseract-runtime-core"
author = "The tesseract-runtime authors"
copyright = author  # noqa: A001  # Sphinx reads this name
release = version = installed_version("tesseract-runtime-core")

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build", "examples"]

html_theme = "furo"
html_title = f"tesseract-runtime {release}"
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"

myst_heading_anchors = 3
