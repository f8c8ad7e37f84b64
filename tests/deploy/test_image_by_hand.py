"""The Dockerfile's steps done by hand in an empty folder, from a fresh clone: where no engine is, they still must hold.

Each COPY and RUN of the first stage is done as it is written, with / being the folder. The second stage only copies.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def steps() -> Iterator[tuple[str, str]]:
    """The instructions of the first stage, each on one line."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    first, *_ = "\n".join(lines).replace("\\\n", " ").split("\nFROM ")[:1]
    for line in first.splitlines()[1:]:
        word, _, rest = line.strip().partition(" ")
        yield word, rest


def copied(clone: Path, here: Path, told: str) -> None:
    """COPY: files into a folder, the content of a folder into another."""
    *sources, target = told.split()
    for source in (clone / one for one in sources):
        place = here / target
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        elif target.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)


def ran(command: str, here: Path) -> str:
    """A shell's output; what it says when it fails is the failure."""
    done = subprocess.run(["/bin/sh", "-ec", command], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the second stage would copy."""
    top = tmp_path_factory.mktemp("image")
    clone, here = top / "clone", top
    subprocess.run(["git", "clone", "-q", "--no-local", str(ROOT), str(clone)], check=True)
    for word, told in steps():
        if word == "WORKDIR":
            here = top / told.lstrip("/")
            here.mkdir(parents=True)
        elif word == "COPY":
            copied(clone, here, told)
        else:
            assert word == "RUN", f"a step that is not known here: {word}"
            ran(told.replace("/opt/", f"{top}/opt/"), here)
    shutil.rmtree(clone)
    shutil.rmtree(here)
    return top / "opt" / "safety-stream" / "bin"


def test_what_is_installed_is_what_is_locked_and_fits(program: Path) -> None:
    """Installed with hashes from the lock alone, nothing is missing or at odds; no build tool came along."""
    assert "No broken requirements" in ran(f"{program}/python -m pip check", program)
    named = {line.split("==")[0] for line in ran(f"{program}/python -m pip freeze", program).splitlines()}
    assert not named & {"hatchling", "pytest", "mypy", "ruff"}


def test_the_program_runs_away_from_its_sources(program: Path, tmp_path: Path) -> None:
    """Version, book, templates and schemas come out of the wheel: the sources are gone."""
    assert ran(f"{program}/safety-stream --version", tmp_path).strip()
    assert ran(f"{program}/safety-stream simulate", tmp_path).count("\n") > 1000
    told = "from safety_stream.alerting.catalogue import CATALOGUE as c; from safety_stream.rulebook.load import "
    assert ran(f'{program}/python -c "{told}load_book as b; print(len(c), *b().protocols)"', tmp_path).split()[1:]
    for command in ("worker", "notifier", "topics", "reconcile", "ack"):
        assert "Usage" in ran(f"{program}/safety-stream {command} --help", tmp_path)
