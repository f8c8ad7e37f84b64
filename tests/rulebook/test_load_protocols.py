"""A book without a protocol judges nobody: it is refused, not loaded."""

from pathlib import Path

import pytest

from safety_stream.errors import RulebookError
from safety_stream.rulebook.load import load_book


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_folder_without_any_protocol_is_refused(folder: str, tmp_path: Path) -> None:
    """A mistyped protocols folder would otherwise make every message name an unknown study."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(RulebookError, match=rf"{folder}: no protocol here; expected one \.yaml file a study"):
        load_book(None, tmp_path / folder, allow_unsigned=True)


UNREADABLE = [
    b"",
    b"# nothing\n",
    b"study: [torn\n",
    b"\x00\x07\n",
    b"\xff\xfe\x00",
    b"- 5\n",
    b"a: &a [*a]\n",
    b"[" * 2000,
]


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_file_that_holds_no_protocol_is_one_problem(content: bytes, tmp_path: Path) -> None:
    """Empty, torn, binary, nested without end: named with its line, and never a traceback."""
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(RulebookError, match=r"study\.yaml:[12]: .*expected"):
        load_book(None, tmp_path, allow_unsigned=True)
