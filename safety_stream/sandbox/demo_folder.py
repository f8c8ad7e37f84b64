"""Where a demo writes: a temporary folder that goes with it, and what of it stays.

With ``keep`` the mails, logs and outbox stay there, however the demo ends. Without it the mails stay in a temporary
folder only when the demo came to its own end: whoever stops it wants nothing left.
"""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class DemoFolder:
    """The folders of one demo, as a context manager. Set ``finished`` when it came to its own end."""

    def __init__(self, keep: Path | None) -> None:
        self.finished = False
        self._keep = keep
        self._root = Path(tempfile.mkdtemp(prefix="safety-stream-demo-"))
        self.work = self._root / "work"
        self.mails = (keep or self._root) / "mails"

    def __enter__(self) -> Self:
        self.work.mkdir()
        self.mails.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._keep is not None:
            for file in (*self.work.glob("*/*.log"), *self.work.glob("outbox.db*")):
                shutil.copy2(file, self._keep / file.name)
        if self._keep is None and self.finished:
            shutil.rmtree(self.work, ignore_errors=True)
        else:
            shutil.rmtree(self._root, ignore_errors=True)
