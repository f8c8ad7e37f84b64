"""Notes: mails that are no alert of their own. Who answered, the list of a storm, the daily digest. Pure.

Text and HTML are drawn from one ``Note``, so they tell the same. Every value in it is already clean.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from safety_stream.alerting.alert import Alert, Urgency
from safety_stream.alerting.catalogue import CATALOGUE
from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.entries import Language
from safety_stream.alerting.letter import Detail
from safety_stream.alerting.load_answer_words import Words, answer_words
from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.phrases import instant

Link = Callable[[str, int], str | None]
Kind = Literal["answered", "storm", "digest"]
_HELD = ConfigDict(frozen=True, extra="forbid")


class Line(BaseModel):
    """One alert in a list: what it is, and until when it is to be answered."""

    model_config = _HELD

    alert: str
    revision: int
    type: str
    case: str = ""
    urgency: Urgency
    subject: str | None
    headline: str
    answer_by: datetime | None
    level: int = 1
    historical: bool = False


class Gathered(BaseModel):
    """The alerts of a storm for one person; ``messages``: the rows that this list stands for."""

    model_config = _HELD

    study: str
    lines: tuple[Line, ...]
    messages: tuple[int, ...]
    at: datetime


class NotMailed(BaseModel):
    """Alerts of one type that were not mailed for one reason."""

    model_config = _HELD

    type: str
    why: str
    count: int


class SilenceLine(BaseModel):
    """A silence in force."""

    model_config = _HELD

    study: str
    type: str
    reason: str
    by: str
    until: datetime


class BudgetLine(BaseModel):
    """What a study cost its readers in seven days. ``limit``: alerts a subject and week that are bearable."""

    model_config = _HELD

    study: str
    mailed: int
    subjects: int
    limit: Decimal

    @property
    def rate(self) -> Decimal | None:
        """Alerts a subject and week; null while no subject is known."""
        return Decimal(self.mailed) / self.subjects if self.subjects else None

    @property
    def is_over(self) -> bool:
        """Whether it is more than readers can bear."""
        return self.rate is not None and self.rate > self.limit


class Digest(BaseModel):
    """What a day looks like at its end: open alerts, what was not mailed and why, silences, and the alert budget.

    ``weekly``: seven days, for the safety board, which reads pooled data.
    """

    model_config = _HELD

    day: str
    at: datetime
    open: tuple[Line, ...]
    waiting: int
    not_mailed: tuple[NotMailed, ...]
    silences: tuple[SilenceLine, ...]
    budget: tuple[BudgetLine, ...]
    weekly: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a note is written: language, clock, and how much may be seen."""

    language: Language = "en"
    zone: tzinfo = UTC
    detail: Detail = "full"
    pooled: bool = False

    @property
    def words(self) -> Words:
        """The words of the notes."""
        return answer_words()[self.language]

    def urgency(self, urgency: Urgency) -> str:
        """The urgency as the alert mails say it."""
        return read_words()[self.language].layout[urgency]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a note."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Everything a note's template may show."""

    kind: Kind
    language: Language
    words: Words
    subject: str
    title: str
    lines: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()
    links: tuple[tuple[str, str], ...] = field(default=())


def answered_note(alert: Alert, by: str, at: datetime, subject: str, reader: Reader) -> Note:
    """The short word to everybody who got an alert: somebody has answered it, nobody else has to."""
    words = reader.words
    told = {"id": alert.id, "revision": alert.revision, "by": clean(by), "time": instant(at, reader.zone)}
    lines = (words["acknowledged_by"].format_map(told), words["no_more_mail"])
    return Note("answered", reader.language, words, subject, words["acknowledged"], lines)


def storm_note(told: Gathered, link: Link, reader: Reader) -> Note:
    """The list of a storm: every alert keeps its own id, deadline and answer."""
    words, study, count = reader.words, clean(told.study), len(told.lines)
    grave = "warning" if any(one.urgency != "info" for one in told.lines) else "info"
    title = words["storm_title"].format(count=count)
    links = tuple(
        (words["answer_this"].format(id=one.alert), address)
        for one in told.lines
        if one.answer_by and (address := link(one.alert, one.revision))
    )
    lines = (words["storm_why"].format(count=count, study=study), words["storm_rule"])
    subject = f"[{reader.urgency(grave)}] {study}: {title}"  # type: ignore[arg-type]  # one of two urgencies
    return Note("storm", reader.language, words, subject, title, lines, (_alerts(told.lines, reader),), links)


def digest_note(told: Digest, reader: Reader) -> Note:
    """The day in one mail, sent also when nothing happened: a silent day and a silent system must not look alike."""
    words, span = reader.words, "weekly" if told.weekly else "digest"
    title = words[f"{span}_title"].format(day=told.day)
    sheets = (_alerts(told.open, reader), _not_mailed(told, reader), _silences(told, reader), _budget(told, reader))
    lines = (words[f"{span}_line"].format(time=instant(told.at, reader.zone), count=told.waiting),)
    subject = f"[{reader.urgency('info')}] safety_stream: {title}"
    return Note("digest", reader.language, words, subject, title, lines, sheets)


def _alerts(lines: tuple[Line, ...], reader: Reader) -> Sheet:
    """Subject and headline only where the reader's alert mails have them."""
    words, clinical = reader.words, reader.detail == "full" and not reader.pooled
    named = ("alert", "urgency", *(("subject",) if clinical else ()), "what", "answer_by", "level")
    return Sheet(
        words["alerts"], tuple(words[name] for name in named), tuple(_row(one, reader, clinical) for one in lines)
    )


def _row(one: Line, reader: Reader, clinical: bool) -> tuple[str, ...]:
    words, title = reader.words, _title(one.type, one.case, reader)
    if reader.detail == "notice":
        title = read_words()[reader.language].layout["minimal_title"]
    what = f"{title}: {clean(one.headline, SENTENCE_LENGTH)}" if clinical else title
    what = f"{what} ({words['historical']})" if one.historical else what
    return (
        words["page_title"].format(id=one.alert, revision=one.revision),
        reader.urgency(one.urgency),
        *((clean(one.subject or "-"),) if clinical else ()),
        what,
        instant(one.answer_by, reader.zone) if one.answer_by else words["nobody_asked"],
        str(one.level),
    )


def _title(type_: str, case: str, reader: Reader) -> str:
    told = CATALOGUE.get((type_, case))  # a list may be older than the catalogue
    return told.titles.said(reader.language) if told is not None else type_


def _not_mailed(told: Digest, reader: Reader) -> Sheet:
    words, said = reader.words, read_words()[reader.language].value
    rows = tuple(
        (_title(one.type, "", reader), words.get(one.why) or said(clean(one.why)), str(one.count))
        for one in told.not_mailed
    )
    return Sheet(words["not_mailed"], (words["type"], words["reason"], words["count"]), rows)


def _silences(told: Digest, reader: Reader) -> Sheet:
    words = reader.words
    rows = tuple(
        (
            words["every_study"] if one.study == "*" else clean(one.study),
            words["every_type"] if one.type == "*" else one.type,
            clean(one.reason),
            clean(one.by),
            instant(one.until, reader.zone),
        )
        for one in told.silences
    )
    return Sheet(words["silences"], tuple(words[name] for name in ("study", "type", "reason", "by", "until")), rows)


def _budget(told: Digest, reader: Reader) -> Sheet:
    words = reader.words
    rows = tuple((clean(one.study), str(one.mailed), str(one.subjects), _rate(one, words)) for one in told.budget)
    return Sheet(words["budget"], tuple(words[name] for name in ("study", "mailed", "subjects", "rate")), rows)


def _rate(one: BudgetLine, words: Words) -> str:
    if one.rate is None:
        return "-"
    over = words["over_budget"].format(limit=one.limit)
    return f"{one.rate:.1f} ({over})" if one.is_over else f"{one.rate:.1f}"
