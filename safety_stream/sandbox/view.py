"""What a demo shows while it runs: a live view in a terminal, plain lines anywhere else. Both tell the same."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Literal, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

Tone = Literal["critical", "warning", "info", "withdrawn", "quiet"]
_STYLE: Mapping[Tone, str] = {
    "critical": "bold red", "warning": "yellow", "info": "cyan", "withdrawn": "green", "quiet": "dim",
}  # fmt: skip
_PLAIN_EVERY_SECONDS = 5.0
_MOST_LINES, _OTHER_ROWS = 14, 8


@dataclass(slots=True)
class Now:
    """The state of the demo at one moment."""

    at: datetime
    share: float
    arrived: Mapping[str, int]
    unreadable: int
    concluded: int
    mails: int
    processes: Sequence[tuple[str, bool]]
    note: str = ""


class View(Protocol):
    """What both views can do."""

    def step(self, line: str) -> None:
        """A step of preparation or of ending."""

    def concluded(self, line: str, tone: Tone) -> None:
        """A conclusion was drawn."""

    def alerted(self, line: str, tone: Tone) -> None:
        """Somebody is to be told."""

    def mailed(self, line: str, tone: Tone) -> None:
        """A mail came."""

    def show(self, now: Now) -> None:
        """How far it is, a few times a second."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class PlainView:
    """Lines in order: for a file, a pipe, a continuous integration log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = monotonic()
        self._shown = 0.0

    def step(self, line: str) -> None:
        """A line of its own."""
        self._line(line)

    def concluded(self, line: str, tone: Tone) -> None:
        """Left out: there are hundreds, and those that matter follow as alerts."""

    def alerted(self, line: str, tone: Tone) -> None:
        """A line of its own."""
        self._line(f"alert  {line}")

    def mailed(self, line: str, tone: Tone) -> None:
        """A line of its own."""
        self._line(f"mail   {line}")

    def show(self, now: Now) -> None:
        """Every five seconds one line."""
        if monotonic() - self._shown > _PLAIN_EVERY_SECONDS:
            self._shown = monotonic()
            self._line(
                f"{now.at:%Y-%m-%d} ({now.share:.0%})  {sum(now.arrived.values()):,} messages, {now.unreadable} "
                f"unreadable, {now.concluded} changes of findings, {now.mails} mails{_after(now.note)}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def _line(self, line: str) -> None:
        self._console.print(f"{monotonic() - self._started:6.1f} s  {line}", markup=False, soft_wrap=True)


def _after(note: str) -> str:
    return f"; {note}" if note else ""


@dataclass(slots=True)
class LiveView:
    """One screen that is drawn anew: what arrived, what was concluded, who was told, which mails came."""

    console: Console
    title: str
    _steps: ExitStack = field(default_factory=ExitStack)
    _live: Live | None = None
    _concluded: deque[Text] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    _mailed: deque[Text] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))

    def step(self, line: str) -> None:
        """A line above the screen."""
        self.console.print(Text("· ", style="dim") + Text(line))

    def concluded(self, line: str, tone: Tone) -> None:
        """The newest at the bottom."""
        self._concluded.append(Text(line, style=_STYLE[tone], no_wrap=True, overflow="ellipsis"))

    def alerted(self, line: str, tone: Tone) -> None:
        """Shown with its mail."""

    def mailed(self, line: str, tone: Tone) -> None:
        """The newest at the bottom."""
        self._mailed.append(Text(line, style=_STYLE[tone], no_wrap=True, overflow="ellipsis"))

    def show(self, now: Now) -> None:
        """Draw."""
        if self._live is None:
            self._live = self._steps.enter_context(Live(console=self.console, auto_refresh=False, transient=True))
        self._live.update(self._screen(now), refresh=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._steps.close()

    def _screen(self, now: Now) -> RenderableType:
        lines = max(3, min(_MOST_LINES, (self.console.height - _OTHER_ROWS) // 2))
        middle = Table.grid(expand=True)
        middle.add_column(width=34)
        middle.add_column(ratio=1)
        middle.add_row(
            _panel("arrived", [_arrived(now)], lines), _panel(f"concluded ({now.concluded})", self._concluded, lines)
        )
        return Group(_head(self.title, now), middle, _panel(f"mails ({now.mails})", self._mailed, lines), _foot(now))


def _panel(title: str, content: Iterable[RenderableType], lines: int) -> Panel:
    """The last lines of what there is."""
    return Panel(Group(*list(content)[-lines:]), title=title, border_style="dim", height=lines + 2)


def _head(title: str, now: Now) -> RenderableType:
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column()
    head.add_column(ratio=1)
    head.add_column(justify="right")
    played = ProgressBar(total=1.0, completed=now.share)
    head.add_row(Text(title, style="bold"), played, Text(f"{now.at:%d %b %Y}  {now.share:4.0%}", style="bold"))
    return head


def _arrived(now: Now) -> RenderableType:
    rows = Table.grid(expand=True)
    rows.add_column()
    rows.add_column(justify="right")
    for name, count in now.arrived.items():
        rows.add_row(name, f"{count:,}")
    rows.add_row(Text("unreadable", style="yellow" if now.unreadable else ""), f"{now.unreadable:,}")
    return rows


def _foot(now: Now) -> RenderableType:
    foot = Text()
    for name, alive in now.processes:
        foot.append("● " if alive else "✗ ", style="green" if alive else "bold red")
        foot.append(f"{name}   ")
    return foot + Text(now.note or "Ctrl-C ends it and leaves nothing behind", style="dim")
