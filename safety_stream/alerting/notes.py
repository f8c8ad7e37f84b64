"""Notes: mails that are no alert of their own. Who answered, the list of a storm, the daily digest. Pure.

Text and HTML are drawn from one ``Note``, so they tell the same. Every value in it is already clean.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from pydantic import BaseModel, ConfigDict

from safety_stream.alerting.alert import Alert, Urgency
from safety_stream.alerting.catalogue import entry
from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.letter import Detail
from safety_stream.alerting.wording import instant

Link = Callable[[str, int], str | None]
_HELD = ConfigDict(frozen=True, extra="forbid")


class Line(BaseModel):
    """One alert in a list: what it is, and until when it is to be answered."""

    model_config = _HELD

    alert: str
    revision: int
    urgency: Urgency
    subject: str | None
    headline: str
    answer_by: datetime | None
    level: int = 1


class Gathered(BaseModel):
    """The alerts of a storm for one person; ``messages``: the rows that this list stands for."""

    model_config = _HELD

    study: str
    lines: tuple[Line, ...]
    messages: tuple[int, ...]
    at: datetime


class Digest(BaseModel):
    """What a day looks like at its end: open alerts, what was not mailed and why, silences, and the alert budget."""

    model_config = _HELD

    day: str
    at: datetime
    open: tuple[Line, ...]
    not_mailed: tuple[tuple[str, str, int], ...]
    silences: tuple[tuple[str, str, str, str, datetime], ...]
    budget: tuple[tuple[str, int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a note."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    nothing: str = "None."


@dataclass(frozen=True, slots=True)
class Note:
    """Everything a note's template may show."""

    kind: Literal["answered", "storm", "digest"]
    subject: str
    title: str
    lines: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    closing: str = ""


def answered_note(alert: Alert, by: str, at: datetime, subject: str, zone: tzinfo = UTC) -> Note:
    """The short word to everybody who got an alert: somebody has answered it, nobody else has to."""
    said = f"Alert {alert.id}, revision {alert.revision}: acknowledged by {clean(by)} at {instant(at, zone)}."
    return Note("answered", subject, "Acknowledged", (said, "No more mail of this revision follows."))


def storm_note(told: Gathered, detail: Detail, link: Link, zone: tzinfo = UTC) -> Note:
    """The list of a storm: every alert keeps its own id, deadline and answer."""
    study = clean(told.study)
    worst = "CRITICAL" if any(one.urgency == "critical" for one in told.lines) else "WARNING"
    lines = (
        f"{len(told.lines)} alerts of {study}. Too many came within 10 minutes to be mailed one by one.",
        "Each of them keeps its own deadline and is to be answered by itself. Nothing was left out.",
    )
    links = tuple(
        (one.alert, address) for one in told.lines if one.answer_by and (address := link(one.alert, one.revision))
    )
    subject = f"[{worst}] {study}: {len(told.lines)} alerts in one list"
    return Note(
        "storm", subject, f"{len(told.lines)} alerts in one list", lines, (_alerts(told.lines, detail, zone),), links
    )


def digest_note(told: Digest, detail: Detail, zone: tzinfo = UTC) -> Note:
    """The day in one mail, sent also when nothing happened: a silent day and a silent system must not look alike."""
    silences = tuple(
        (clean(study), clean(type_), clean(reason), clean(by), instant(until, zone))
        for study, type_, reason, by, until in told.silences
    )
    sheets = (
        _alerts(told.open, detail, zone),
        Sheet("Not mailed in the last 24 hours", ("Type", "Why", "Alerts"), tuple(
            (clean(kind), clean(why), str(count)) for kind, why, count in told.not_mailed
        )),
        Sheet("Silences in force", ("Study", "Type", "Reason", "By", "Until"), silences),
        Sheet("Alert budget, last 7 days", ("Study", "Alerts mailed", "Subjects", "Alerts a subject and week"), tuple(
            (clean(study), str(mailed), str(subjects), rate) for study, mailed, subjects, rate in told.budget
        ), "No alert was mailed."),
    )  # fmt: skip
    count = len(told.open)
    lines = (f"Day to {instant(told.at, zone)}. Open alerts: {count}.",)
    return Note("digest", f"[INFO] safety_stream: daily digest {told.day}", f"Daily digest {told.day}", lines, sheets)


def _alerts(lines: tuple[Line, ...], detail: Detail, zone: tzinfo) -> Sheet:
    full = detail == "full"
    columns = ("Urgency", "Alert", *(("Subject", "What") if full else ()), "Answer by", "Level")
    rows = tuple(
        (
            one.urgency,
            f"{one.alert} revision {one.revision}",
            *((clean(one.subject or "none"), clean(one.headline, SENTENCE_LENGTH)) if full else ()),
            instant(one.answer_by, zone) if one.answer_by else "nobody is asked",
            str(one.level),
        )
        for one in lines
    )
    return Sheet("Alerts", columns, rows)


def read_back(alert: Alert) -> tuple[str, str]:
    """What must be read back from the alert, as a question and its answer.

    Read-back is the practice for critical results, and no program that follows links can do it.
    """
    if alert.subject is not None:
        return "the last 4 characters of the subject number", alert.subject[-4:]
    if alert.dose_level is not None:
        return "the dose level, such as: dose level 2", f"dose level {alert.dose_level}"
    if alert.study != "-":
        return "the study", alert.study
    return "the last 4 characters of the alert's id", alert.id[-4:]


def is_read_back(alert: Alert, told: str) -> bool:
    """Whether it was read back, whatever the case and the blanks."""
    return " ".join(told.split()).casefold() == " ".join(read_back(alert)[1].split()).casefold()


def title_of(alert: Alert) -> str:
    """What kind of alert it is, in words."""
    return entry(alert.type, alert.case).title
