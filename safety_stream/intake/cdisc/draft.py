"""One SDTM row on its way to an event: its cells read in the study's words, and all that could not be taken over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from safety_stream.clinical.events import Event, Source
from safety_stream.clinical.moment import Moment
from safety_stream.intake.cdisc.moments import moment
from safety_stream.intake.rejected import shown

_Word = TypeVar("_Word")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A cell, a row or a dataset that could not be taken over as it is."""

    dataset: str
    row: int | None  # line of a CSV file, observation of an XPT file; null: the dataset as a whole
    field: str
    found: str
    expected: str
    kept: bool  # whether the row became an event all the same

    @property
    def sentence(self) -> str:
        """The discrepancy in one sentence."""
        place = self.dataset if self.row is None else f"{self.dataset} row {self.row}"
        fate = "" if self.row is None else "; the rest of the row is kept" if self.kept else "; the row is not taken"
        return f"{place}, {self.field}: found {self.found}, expected {self.expected}{fate}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a dataset: every cell as text, a blank for what is missing."""

    dataset: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, variable: str) -> str:
        return self.cells.get(variable, "").strip()


@dataclass(slots=True)
class Draft:
    """An event in the making: reads cells by their name without the dataset's prefix, and notes what is wrong."""

    row: Row
    zone: ZoneInfo
    study: str | None = None
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.row[self._variable(name)]

    def _variable(self, name: str) -> str:
        return name if self.row.dataset == "dm" else self.row.dataset.upper() + name

    def text(self, name: str) -> str | None:
        """A cell as it is; null when blank."""
        return self[name] or None

    def moment(self, name: str, needed: str | None = None) -> Moment | None:
        """A date or time; null when blank or unreadable. What is not clean is noted, and a blank that is ``needed``."""
        taken, expected = moment(self[name], self.zone)
        if expected or (needed and taken is None):
            self.note(name, expected or needed or "")
        return taken

    def word(self, name: str, table: Mapping[str, _Word]) -> _Word | None:
        """A controlled word in our words; null when blank or strange, which is noted."""
        told = self[name].upper()
        if told and told not in table:
            self.note(name, f"one of {', '.join(table)}")
        return table.get(told)

    def note(self, name: str, expected: str) -> None:
        """Something is not as it should be."""
        self.notes.append((self._variable(name), shown(self[name]), expected))

    def refuse(self) -> Iterator[Discrepancy]:
        """All that was noted; the row is no event."""
        return (self._discrepancy(*note, kept=False) for note in self.notes)

    def event(self, kind: type[Event], record: str, version: int = 1, **fields: Any) -> Iterator[Event | Discrepancy]:
        """The event of this row and what was noted on the way; only discrepancies when it cannot be one."""
        source = Source.model_construct(system=f"SDTM {self.row.dataset.upper()}", id=record, version=version)
        named = {"study": self.study or self.row["STUDYID"], "subject": self.row["USUBJID"], "source": source}
        try:
            event = kind.model_validate({**named, **fields})
        except ValidationError as error:
            for each in error.errors(include_url=False, include_context=False):
                where = ".".join(str(part) for part in each["loc"])
                self.notes.append((where, shown(each["input"]), each["msg"]))
            yield from self.refuse()
        else:
            yield event
            yield from (self._discrepancy(*note, kept=True) for note in self.notes)
        self.notes.clear()

    def _discrepancy(self, variable: str, found: str, expected: str, *, kept: bool) -> Discrepancy:
        return Discrepancy(self.row.dataset, self.row.number, variable, found, expected, kept)
