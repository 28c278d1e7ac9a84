"""Opens the page that `tesseract-streamlit` has made and prints what it shows, as JSON.

It is run as `python form_page.py PAGE RESULT` in the environment of that program, whose libraries
print as they like.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

WIDGETS = ("number_input", "text_input", "checkbox", "text_area")
SECONDS = 300


def shown(page: str) -> dict[str, Any]:
    """Return the exceptions of a page, and the values of its widgets by key."""
    source = f"import runpy\nrunpy.run_path({str(Path(page).resolve())!r})['main']()"
    app_test = import_module("streamlit.testing.v1").AppTest  # of the other environment
    app = app_test.from_string(source, default_timeout=SECONDS).run()
    return {
        "exceptions": [exception.value for exception in app.exception],
        "values": {widget.key: widget.value for kind in WIDGETS for widget in app.get(kind)},
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(shown(sys.argv[1])), encoding="utf-8")
