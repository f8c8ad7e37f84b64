"""A letter: one revision of an alert as one person will read it, every value already clean. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import entry, lines_of
from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.wording import GONE, instant, quantity, when_told
from safety_stream.clinical.findings import Toxicity
from safety_stream.rulebook.written import Role

Detail = Literal["full", "notice"]
Fact = tuple[str, str]

_WHO: Final = ("Subject", "Dose level", "Site", "Study day")
_CHANGE: Final = ("Told before", "Now", "Why")
_BASIS: Final = ("Decided by", "Otherwise", "Note", "Records", "Rule")
_ELSEWHERE: Final = {*_WHO, *_CHANGE, *_BASIS, "Study"}
_TECHNICAL: Final = {*_BASIS, *_CHANGE, "Multiple of ULN", "Multiple of LLN", "Multiple of baseline"}
IS_NOT: Final = (
    "This mail does not replace the report of a serious adverse event, the site's own review or the source data. "
    "It proposes; a person decides."
)
TAKEN_BACK: Final = "What was told before no longer holds. Reconsider whatever was started because of it."


@dataclass(frozen=True, slots=True)
class Standing:
    """What the messenger knows beyond the alert: by when to answer, what was told before, how the mail is doing."""

    answer_by: datetime
    told_before: Alert | None = None
    newest_revision: int | None = None
    possible_repeat: bool = False
    late: bool = False
    in_place_of_another: bool = False
    zone: tzinfo = UTC
    answer_link: str | None = None
    level: int = 1
    repeat: int = 1
    reminder: bool = False
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a template may show. Text and HTML are drawn from it alone, so they tell the same facts."""

    type: str
    case: str
    id: str
    revision: int
    urgency: str
    withdrawn: bool
    study: str
    title: str
    headline: str
    who: tuple[Fact, ...]
    answer_by: str
    action: str
    next_in_line: str
    as_last_told: bool
    facts: tuple[Fact, ...]
    readings: tuple[tuple[str, str, str], ...]
    why: str
    basis: tuple[Fact, ...]
    changes: tuple[str, ...]
    remarks: tuple[str, ...]
    is_not: str
    detail: Detail


def letter(alert: Alert, standing: Standing, detail: Detail = "full") -> Letter:
    """The alert as it is to be read now."""
    told, lines = entry(alert.type, alert.case), lines_of(alert)
    facts = tuple((clean(label), clean(value, SENTENCE_LENGTH)) for label, value in alert.facts)
    study = "safety_stream" if alert.study == "-" else clean(alert.study)
    return Letter(
        type=alert.type,
        case=alert.case,
        id=alert.id,
        revision=alert.revision,
        urgency=alert.urgency,
        withdrawn=alert.state == "withdrawn",
        study=study,
        title="safety alert" if detail == "notice" else told.title,
        headline=clean(alert.headline, SENTENCE_LENGTH),
        who=tuple(fact for fact in facts if fact[0] in _WHO),
        answer_by=_answer_by(alert, standing),
        action=TAKEN_BACK if alert.state == "withdrawn" else told.action,
        next_in_line=_names(lines[1]) if len(lines) > 1 else "",
        as_last_told=("Now", GONE) in alert.facts,
        facts=tuple(fact for fact in facts if fact[0] not in _ELSEWHERE),
        readings=_readings(alert),
        why=clean(alert.finding.evidence.sentence, SENTENCE_LENGTH) if alert.finding else "",
        basis=(*(fact for fact in facts if fact[0] in _BASIS), ("Alert raised", instant(alert.as_of, standing.zone))),
        changes=changes(standing.told_before, alert),
        remarks=_remarks(alert, standing),
        is_not=IS_NOT,
        detail=detail,
    )


def changes(before: Alert | None, now: Alert) -> tuple[str, ...]:
    """What differs from the revision that the reader was last told, fact by fact; of a withdrawal, what holds now."""
    if now.state == "withdrawn":
        return tuple(f"{label}: {clean(value, SENTENCE_LENGTH)}" for label, value in now.facts if label in _CHANGE)
    if before is None:
        return ()
    old, new = dict(before.facts), dict(now.facts)
    told = [("Headline", before.headline, now.headline)]
    told += [(x, old.get(x, "not told"), new.get(x, "no longer told")) for x in {**old, **new} if x not in _TECHNICAL]
    return tuple(f"{clean(label)}: was {clean(a)}; now {clean(b)}" for label, a, b in told if a != b)


def _answer_by(alert: Alert, standing: Standing) -> str:
    within = entry(alert.type, alert.case).answer_within
    minutes = int(within.total_seconds() // 60)
    words = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    return f"{instant(standing.answer_by, standing.zone)}, within {words}"


def _names(roles: tuple[Role, ...]) -> str:
    return ", ".join(role.replace("_", " ").replace("dsmb", "DSMB").replace("backup", "(back-up)") for role in roles)


def _readings(alert: Alert) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(alert.finding, Toxicity):
        return ()
    return tuple(
        (
            clean(when_told(one.observed_at)),
            clean(quantity(one.value, one.unit)),
            f"grade {one.grade}" if one.grade is not None else "not graded",
        )
        for one in alert.finding.readings
    )


def _remarks(alert: Alert, standing: Standing) -> tuple[str, ...]:
    told = []
    if standing.possible_repeat:
        told.append("POSSIBLE REPEAT: this mail may have reached you before; nobody can know.")
    if standing.in_place_of_another:
        told.append("STEPPED UP TO YOU: the mail to somebody before you in line was refused.")
    if standing.newest_revision is not None and standing.newest_revision > alert.revision:
        told.append(f"NOT THE LATEST WORD: revision {standing.newest_revision} of this alert follows.")
    if standing.late:
        told.append("LATE: this mail waited because it could not be delivered.")
    return tuple(told)
