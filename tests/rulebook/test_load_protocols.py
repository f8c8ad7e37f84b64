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
