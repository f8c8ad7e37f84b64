"""How every command speaks: results on standard output, progress and problems on standard error, one set of exit codes.

0  done
1  done, and something needs attention: each command says what
2  could not start: arguments, settings, tables, topics or broker; every problem is listed
3  the engine stopped itself because a promise was broken; nothing is lost, start it again
130  stopped by Ctrl-C
"""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand

from safety_stream.errors import ConfigurationError, EngineBroken, SafetyStreamError

DONE, ATTENTION, CANNOT_START, BROKEN, INTERRUPTED = 0, 1, 2, 3, 130
_BELOW_ZERO = re.compile(r"-\.?\d.*")


def say(line: str) -> None:
    """Progress or a problem, on standard error."""
    typer.echo(line, err=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn our own errors into a clear list and an exit code; anything else is a defect and keeps its traceback."""
    try:
        yield
    except ConfigurationError as error:
        say(f"{len(error.problems)} {'problem' if len(error.problems) == 1 else 'problems'} to solve first:")
        for problem in error.problems:
            say(f"- {problem}")
        raise typer.Exit(CANNOT_START) from None
    except EngineBroken as error:
        say(f"Stopped: {error}")
        raise typer.Exit(BROKEN) from None
    except SafetyStreamError as error:
        say(str(error))
        raise typer.Exit(CANNOT_START) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


class NegativeNumbers(TyperCommand):
    """A command whose arguments may be numbers below zero: -1 is then a value, not an option that nobody knows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what looks like an option as an argument where a number below zero is among them."""
        ctx.ignore_unknown_options = any(_BELOW_ZERO.fullmatch(one) for one in args)
        return super().parse_args(ctx, args)


def within(lowest: float, highest: float) -> Callable[[float | None], float | None]:
    """A check of an option: a number from the one to the other, which infinity and NaN are not."""

    def checked(told: float | None) -> float | None:
        if told is None or lowest <= told <= highest:
            return told
        raise typer.BadParameter(f"found {told:g}, expected a number from {lowest:g} to {highest:,g}")

    return checked


def end_with_the_reader() -> None:
    """Let a closed pipe end the process quietly, as ``| head`` expects of a program that writes lines."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
