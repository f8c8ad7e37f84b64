"""Debian's tools in tests: a test that needs one is skipped with a sentence that names the package."""

import shutil
import subprocess

import pytest

PACKAGE_OF = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "fc-list": "fontconfig",
}
NEEDED = "needs the Debian package"


def tool(name: str) -> str:
    """Where the tool is; without it the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{NEEDED} {PACKAGE_OF[name]}: run deploy/system-packages")
    return found


def said_by(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tool to its end; what it said and how it ended."""
    return subprocess.run([tool(name), *arguments], capture_output=True, text=True, timeout=240, check=False)
