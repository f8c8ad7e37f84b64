"""Files that are named on the command line: what cannot be read or written is a wrong argument, said in a sentence."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import typer

from safety_stream.commands.terminal import end_with_the_reader


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """A file, or standard input for ``-``."""
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    with stream:
        yield stream


@contextmanager
def written(file: Path | None) -> Iterator[BinaryIO]:
    """A file, or standard output."""
    if file is None:
        end_with_the_reader()
        yield sys.stdout.buffer
        return
    with to_write(file) as stream:
        yield stream


def to_write(file: Path) -> BinaryIO:
    """A file to be written, from its beginning; where it cannot be, that is a wrong argument."""
    try:
        return file.open("wb")
    except OSError as error:
        raise typer.BadParameter(f"{file}: cannot be written: {error.strerror}") from None


def not_utf8(file: Path) -> str:
    """Where a file is not UTF-8: the line and the byte of it; empty where all of it is."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return f"line {number}, byte {error.start + 1}: found 0x{line[error.start]:02x}, which is not UTF-8"
    return ""


def keep_apart(inputs: Iterable[Path], output: Path | None) -> None:
    """Refuse to write over what is being read, however the two are spelt."""
    if output is None or not output.is_file():
        return
    for one in inputs:
        if output.samefile(one):
            raise typer.BadParameter(f"--output {output} is the input {one}: it would be lost; name another file")
