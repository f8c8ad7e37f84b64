"""The real browser that mails and pages are looked at with: where it is, and what axe-core asks of them."""

import importlib.util
import shutil
from pathlib import Path

import pytest

_AXE = importlib.util.find_spec("axe_playwright_python")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [
    name
    for name, there in (
        ("the Debian package chromium", CHROMIUM),
        ("the Python package playwright", importlib.util.find_spec("playwright")),
        ("the Python package axe-playwright-python", _AXE),
    )
    if not there
]
NEEDS_BROWSER = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
"""WCAG 2.0 to 2.2, levels A and AA."""


def axe_script() -> str:
    """The script of axe-core, as the package carries it."""
    assert _AXE is not None
    assert _AXE.origin is not None
    return next(Path(_AXE.origin).parent.rglob("axe.min.js")).read_text(encoding="utf-8")
