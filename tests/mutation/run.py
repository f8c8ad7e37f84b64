"""Break the way to a grade in every small manner that mutmut knows, and see whether a test notices. Run by hand:

    nice -n 10 python tests/mutation/run.py [--at-once 1] [--tools build/mutation-tools]

mutmut (its version: group ``mutation`` of pyproject.toml) is installed beside this environment, not into it. Prints the
score of each module and every survivor; exits with 1 when less than 95 % are noticed or a survivor has no reason in
``survivors.csv``. Takes less than three minutes of processor time.
"""

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOAL = 95
NOTICED = {1, 3, -24, 24, 36, 152, 255}  # a test failed, or the mutant never ended


class Mutant(NamedTuple):
    """One change that was made, and whether a test noticed it."""

    name: str
    module: str
    noticed: bool

    @property
    def function(self) -> str:
        """``quantity Interval scaled``."""
        inner = self.name.removeprefix(f"safety_stream.{self.module}.").rpartition("__mutmut_")[0]
        return f"{self.module} {inner.removeprefix('x_').removeprefix('xǁ').replace('ǁ', ' ')}"


def main() -> int:
    """Run mutmut and report."""
    asked = _arguments()
    mutmut = _installed(asked.tools)
    log = asked.tools / "mutmut.log"
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)  # what a former run found says nothing about today's tests
    with log.open("w", encoding="utf-8") as words:
        done = subprocess.run(
            [mutmut, "run", "--max-children", str(asked.at_once)], cwd=ROOT, stdout=words, stderr=words, check=False
        )
    mutants = list(_mutants())
    if not mutants:
        return _say(f"mutmut ended with {done.returncode}: see {log}")
    reasons = list(csv.DictReader((HERE / "survivors.csv").open(encoding="utf-8", newline="")))
    unexplained = _tell(mutmut, mutants, reasons)
    score = 100 * sum(one.noticed for one in mutants) / len(mutants)
    return 0 if score >= GOAL and not unexplained else _say(f"{score:.1f} % noticed, {unexplained} without a reason")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--tools", type=Path, default=ROOT / "build" / "mutation-tools")
    return parser.parse_args()


def _installed(tools: Path) -> Path:
    """mutmut in an environment of its own that sees this one behind it."""
    mutmut = tools / "bin" / "mutmut"
    if not mutmut.exists():
        venv.create(tools, with_pip=True)
        (inner,) = tools.glob("lib/python*/site-packages")
        (inner / "behind.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["mutation"]
        subprocess.run([tools / "bin" / "pip", "install", "-q", *wanted], check=True, stderr=subprocess.DEVNULL)
    return mutmut


def _mutants() -> Iterator[Mutant]:
    for path in sorted((ROOT / "mutants" / "safety_stream").rglob("*.py.meta")):
        module = ".".join(path.relative_to(ROOT / "mutants" / "safety_stream").parts).removesuffix(".py.meta")
        for name, code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            yield Mutant(name, module, code in NOTICED)


def _tell(mutmut: Path, mutants: list[Mutant], reasons: list[dict[str, str]]) -> int:
    """The table, every survivor; how many of them have no reason."""
    made, noticed = Counter(one.module for one in mutants), Counter(one.module for one in mutants if one.noticed)
    for module, count in made.items():
        _say(f"{module:20} {count:4} mutants  {noticed[module]:4} noticed  {100 * noticed[module] / count:5.1f} %")
    unexplained = 0
    for one in mutants:
        if not one.noticed:
            shown = subprocess.run([mutmut, "show", one.name], cwd=ROOT, capture_output=True, text=True, check=False)
            was, becomes = (_line(shown.stdout, sign) for sign in "-+")
            reason = _reason(one, was, becomes, reasons)
            unexplained += reason is None
            _say(f"{one.function}: {reason or 'NO REASON'}\n    - {was}\n    + {becomes}")
    return unexplained


def _line(diff: str, sign: str) -> str:
    found = re.search(rf"^{re.escape(sign)}(?!{re.escape(sign * 2)})\s*(.*)$", diff, flags=re.MULTILINE)
    return found[1] if found else ""


def _reason(one: Mutant, was: str, becomes: str, reasons: list[dict[str, str]]) -> str | None:
    fitting = (
        row["reason"]
        for row in reasons
        if row["function"] == one.function and row["was"] in was and row["becomes"] in becomes
    )
    return next(fitting, None)


def _say(words: str) -> int:
    sys.stdout.write(f"{words}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
