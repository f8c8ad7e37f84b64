"""The house holds: arrows go down, the core is pure, no float nears a grade, and the README's map is the real tree."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "safety_stream"

# From the roof to the ground. Rooms on one floor do not know each other; an arrow may only go down.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"cli"}),
    frozenset({"commands"}),
    frozenset({"sandbox", "contracts"}),
    frozenset({"reconcile"}),  # above the notifier: it compares with the outbox
    frozenset({"worker", "notifier"}),
    frozenset({"broker", "metrics"}),
    frozenset({"intake", "alerting"}),
    frozenset({"clinical"}),
    frozenset({"rulebook"}),
    frozenset({"quantity", "settings", "bundled", "logs"}),
    frozenset({"errors"}),
)
FLOOR_OF = {room: number for number, floor in enumerate(reversed(FLOORS)) for room in floor}
READS_SETTINGS = {"commands", "sandbox", "worker", "notifier", "reconcile", "broker", "settings"}
KNOWS_FAUST = {"worker"}

# What the pure rooms may lean on: arithmetic, text, time as data, types. No clock, no chance, no world.
PURE_LIBRARIES = {
    "__future__", "abc", "base64", "bisect", "calendar", "collections", "contextlib", "copy", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math",
    "operator", "re", "string", "textwrap", "types", "typing", "unicodedata", "zoneinfo",
    "pydantic", "pydantic_core",
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "print", "input", "eval", "exec", "breakpoint", "__import__"}
FLOATING = {"math", "cmath", "statistics", "random", "numpy"}
CLOCK_READERS = {"now", "utcnow", "today"}


@dataclass(frozen=True)
class Module:
    """One module of the package: its dotted name, its room, its tree."""

    name: str
    room: str
    tree: ast.Module

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every dotted name it imports, with the line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno}: relative import"
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node.lineno


def _modules() -> tuple[Module, ...]:
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        modules.append(Module(name, parts[0] if name else "", ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(modules)


MODULES = _modules()
PURE = [
    module
    for module in MODULES
    if module.room in {"clinical", "quantity"}
    or (module.room == "rulebook" and module.name != "rulebook.load")
    or (
        module.room == "alerting"
        and not module.name.startswith(("alerting.channels", "alerting.render", "alerting.load"))
    )
]


def test_every_module_stands_on_a_floor() -> None:
    """A module that no floor names is an unplanned room."""
    homeless = [module.name for module in MODULES if module.room and module.room not in FLOOR_OF]
    assert not homeless


def test_arrows_only_go_down() -> None:
    """A room imports its own modules and those of lower floors: never up, never sideways."""
    wrong = []
    for module in (m for m in MODULES if m.room):
        for name, line in module.imports():
            parts = name.split(".")
            if parts[0] != "safety_stream" or len(parts) < 2 or parts[1].startswith("__"):
                continue
            target = parts[1]
            if target != module.room and FLOOR_OF[target] >= FLOOR_OF[module.room]:
                wrong.append(f"{module.name}:{line} imports {name}")
    assert not wrong


def test_only_processes_read_settings_and_only_the_worker_knows_faust() -> None:
    """Settings stay out of intake, alerting and everything below; Faust stays in the engine."""
    wrong = []
    for module in MODULES:
        for name, line in module.imports():
            if name.startswith("safety_stream.settings") and module.room not in READS_SETTINGS:
                wrong.append(f"{module.name}:{line} reads settings")
            if name.split(".")[0] in {"faust", "mode"} and module.room not in KNOWS_FAUST:
                wrong.append(f"{module.name}:{line} knows Faust")
    assert not wrong


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.name)
def test_the_core_is_deaf_and_timeless(module: Module) -> None:
    """The judgement imports nothing that reaches the world, asks for no time, and does no I/O."""
    wrong = []
    for name, line in module.imports():
        root = name.split(".")[0]
        if root == "safety_stream":
            if name.startswith("safety_stream.rulebook.load"):
                wrong.append(f"{line}: imports the loader")
        elif root not in PURE_LIBRARIES and not (module.room == "rulebook" and root in {"rapidfuzz", "ruamel"}):
            wrong.append(f"{line}: imports {name}")
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            wrong.append(f"{node.lineno}: calls {node.func.id}()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_READERS:
            wrong.append(f"{node.lineno}: reads a clock with .{node.func.attr}()")
    assert not wrong, module.name


# The way of a reported text to a grade: nothing here may even divide with a slash, which makes floats of whole numbers.
TO_A_GRADE = {
    "quantity", "rulebook.criteria", "rulebook.tables", "rulebook.read_analytes", "rulebook.read_rules",
    "clinical.measure", "clinical.derive", "clinical.baseline", "clinical.grading", "clinical.ladder",
    "clinical.evidence", "clinical.reasons", "clinical.grade_one", "sandbox.row_grader", "sandbox.row_told",
    "sandbox.grade_table",
}  # fmt: skip


def test_no_float_on_the_way_to_a_grade() -> None:
    """No float literal, float() or annotation, no library of floats; where a grade is found, no slash, no round()."""
    assert {module.name for module in MODULES} >= TO_A_GRADE
    wrong = []
    for module in (m for m in MODULES if m.room in {"quantity", "rulebook", "clinical"} or m.name in TO_A_GRADE):
        wrong += [f"{module.name}:{line} imports {name}" for name, line in module.imports() if name in FLOATING]
        for node in ast.walk(module.tree):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            named = isinstance(node, ast.Name) and node.id == "float"
            rounded = isinstance(node, ast.Name) and node.id == "round"
            slash = (isinstance(node, ast.Div) or rounded) and module.name in TO_A_GRADE
            if literal or named or slash:
                wrong.append(f"{module.name}:{getattr(node, 'lineno', 0)}")
    assert not wrong


def test_clinical_knows_no_loader_and_the_book_knows_no_events() -> None:
    """The judgement takes the book as an argument; the book is read without knowing what happens."""
    wrong = []
    for module in MODULES:
        for name, line in module.imports():
            if module.room == "clinical" and name.startswith("safety_stream.rulebook.load"):
                wrong.append(f"{module.name}:{line}")
            if module.room == "rulebook" and name.startswith("safety_stream.clinical"):
                wrong.append(f"{module.name}:{line}")
    assert not wrong


@pytest.mark.parametrize("module", [m for m in MODULES if m.name], ids=lambda module: module.name)
def test_every_room_has_its_door_plate(module: Module) -> None:
    """Each module opens with a docstring that says what it is for."""
    assert ast.get_docstring(module.tree), module.name


def test_the_readme_map_is_the_real_tree() -> None:
    """Every path in the README's map of the house exists, and every module of the package is in the map."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- house -->\s*```text\n(.*?)```", readme, re.DOTALL)
    assert block, "README.md has no map between <!-- house --> and its closing fence"
    shown = set(_paths_of(block.group(1)))
    missing = {path for path in shown if not (ROOT / path).exists()}
    assert not missing, f"in the README but not in the repository: {sorted(missing)}"
    real = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and "worker/strict" not in str(path)
    }
    shown.discard("safety_stream/")
    unseen = {path for path in real if not any(path == s or (s.endswith("/") and path.startswith(s)) for s in shown)}
    assert not unseen, f"in the repository but not in the README: {sorted(unseen)}"


def _paths_of(block: str) -> Iterator[str]:
    """The paths of an indented tree: two spaces a level, names up to the first double space."""
    trail: list[str] = []
    for line in block.splitlines():
        if not line.strip():
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split()
        trail = [*trail[:depth], names[0]]
        for name in names:
            yield "".join([*trail[:depth], name])


def test_the_repository_speaks_of_the_project_alone() -> None:
    """No tracked text names a path of a building machine."""
    found = subprocess.run(
        ["git", "grep", "-nIE", r"(^|[^A-Za-z0-9_.~-])/(root|home/[a-z]+|Users/[A-Za-z]+)/"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in found.stdout.splitlines() if not line.startswith("tests/test_house.py:")]
    assert not lines


def test_the_package_imports_without_its_optional_rooms() -> None:
    """Importing the core pulls in neither Faust nor Kafka nor SQLAlchemy: a notebook may use the judgement alone."""
    code = (
        "import sys, safety_stream.clinical.events, safety_stream.clinical.findings;"
        "print([m for m in ('faust', 'kafka', 'aiokafka', 'sqlalchemy', 'typer') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
