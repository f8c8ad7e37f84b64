"""Reading SDTM datasets: CSV, CSV.gz or SAS transport (XPT), every cell as text."""

import csv
import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from safety_stream.intake.cdisc.draft import Discrepancy, Row

DATASETS = ("dm", "ex", "ds", "lb", "vs", "eg", "ae")
_ENDINGS = (".csv", ".csv.gz", ".xpt")
_NEEDED = {"STUDYID", "USUBJID"}


def rows_of(folder: Path, dataset: str) -> Iterator[Row | Discrepancy]:
    """The rows of a dataset in its order; a dataset that is missing, doubled or unreadable is a discrepancy."""
    files = [path for path in sorted(folder.iterdir()) if path.name.lower() in {dataset + end for end in _ENDINGS}]
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "no file"
        yield _whole(dataset, "file", found, f"one of {', '.join(dataset + end for end in _ENDINGS)}")
        return
    try:
        yield from _xpt(files[0], dataset) if files[0].suffix.lower() == ".xpt" else _csv(files[0], dataset)
    except (UnicodeDecodeError, csv.Error, EOFError, OSError, ValueError) as error:
        yield _whole(dataset, files[0].name, type(error).__name__, f"a readable dataset in UTF-8 ({error})")


def _csv(path: Path, dataset: str) -> Iterator[Row | Discrepancy]:
    with _opened(path) as file:
        lines = csv.reader(file, strict=True)
        names = [name.strip().upper() for name in next(lines, [])]
        if _NEEDED - set(names):
            yield _whole(dataset, "first line", ", ".join(names)[:60], f"{', '.join(sorted(_NEEDED))} among the names")
            return
        for cells in lines:
            if len(cells) == len(names):
                yield Row(dataset, lines.line_num, dict(zip(names, cells, strict=True)))
            elif cells:
                expected = f"{len(names)} cells, as the first line names"
                yield Discrepancy(dataset, lines.line_num, "row", f"{len(cells)} cells", expected, kept=False)


def _opened(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _xpt(path: Path, dataset: str) -> Iterator[Row | Discrepancy]:
    import pyreadstat

    try:
        columns: Any = pyreadstat.read_xport(path, output_format="dict", disable_datetime_conversion=True)[0]
    except pyreadstat.ReadstatError as error:
        raise ValueError(f"not a SAS transport file: {error}") from error
    named = {name.upper(): list(values) for name, values in columns.items()}
    if _NEEDED - set(named):
        yield _whole(dataset, path.name, ", ".join(named)[:60], f"{', '.join(sorted(_NEEDED))} among the names")
        return
    for number, cells in enumerate(zip(*named.values(), strict=True), start=1):
        yield Row(dataset, number, dict(zip(named, map(_as_text, cells), strict=True)))


def _as_text(cell: object) -> str:
    """A SAS number as the shortest text that means it; results are text in SDTM, so no result passes here."""
    if isinstance(cell, float):
        return "" if cell != cell else format(Decimal(float.__repr__(cell)).normalize(), "f")  # noqa: PLR0124 (NaN is missing)
    return "" if cell is None else str(cell)


def _whole(dataset: str, field: str, found: str, expected: str) -> Discrepancy:
    return Discrepancy(dataset, None, field, found, expected, kept=False)
