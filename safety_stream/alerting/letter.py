"""A letter: one revision of an alert as one person will read it, every value already clean. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal

from safety_stream import __version__
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import REASONS, entry, lines_of
from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.endings import word_of
from safety_stream.alerting.entries import Entry, Language
from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.phrases import GONE, instant, quantity, when_told
from safety_stream.alerting.pooling import pooled_alert
from safety_stream.alerting.why import why
from safety_stream.alerting.words import Tongue
from safety_stream.clinical.findings_measured import Toxicity, WatchLimitCrossed
from safety_stream.rulebook.written import Role

Detail = Literal["full", "notice"]
SubjectStyle = Literal["type", "minimal"]
Fact = tuple[str, str]

_WHO: Final = ("Subject", "Dose level", "Site", "Study day")
_CHANGE: Final = ("Told before", "Now", "Why")
_REGRADED: Final = "Regraded"  # why a result is told anew: of a withdrawal it is a change, else a fact of this mail
_TO_DECIDE: Final = "To adjudicate"  # asked of nobody where nothing stands
_BASIS: Final = ("Decided by", "Otherwise", "Note", "Records", "Rule")
_ELSEWHERE: Final = {*_WHO, *_CHANGE, *_BASIS, "Study"}
_TECHNICAL: Final = {*_BASIS, *_CHANGE, _REGRADED, "Multiple of ULN", "Multiple of LLN", "Multiple of baseline"}
_GONE: Final = (GONE, *(REASONS[one] for one in ("met_now", "no_longer_due", "settled", "ruled_out", "observed")))
_LINK: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the messenger knows beyond the alert: by when to answer, what was told before, how the mail is doing.

    ``answer_by`` null: no answer is asked, or none any more. ``contained_in``: the graver alert answered for it.
    """

    answer_by: datetime | None
    told_before: Alert | None = None
    newest_revision: int | None = None
    possible_repeat: bool = False
    late: bool = False
    in_place_of_another: bool = False
    zone: tzinfo = UTC
    language: Language = "en"
    pooled: bool = False
    subject_style: SubjectStyle = "type"
    answer_link: str | None = None
    level: int = 1
    repeat: int = 1
    reminder: bool = False
    answered_by: str | None = None
    passed_on: bool = False
    contained_in: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a template may show. Text and HTML are drawn from it alone, so they tell the same facts.

    ``words``: the words of the frame in the reader's language, those of this letter already filled in.
    """

    language: Language
    words: Mapping[str, str]
    type: str
    case: str
    id: str
    revision: int
    urgency: str
    heading: str
    over: bool
    study: str
    title: str
    headline: str
    who: tuple[Fact, ...]
    answer_by: str
    answer_link: str
    action: str
    more_actions: tuple[str, ...]
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
    contained: str = ""
    beside: tuple["Letter", ...] = ()


Beside = Sequence[tuple[Alert, Standing]]


def letter(alert: Alert, standing: Standing, detail: Detail = "full", beside: Beside = ()) -> Letter:
    """The alert as it is to be read now. ``beside``: what the same mail tells below it."""
    if standing.pooled:
        alert = pooled_alert(alert)
    told, lines, tongue = entry(alert.type, alert.case), lines_of(alert), read_words()[standing.language]
    facts = _facts(alert)
    gone = alert.is_over
    inside, elsewhere = standing.contained_in, _ELSEWHERE | ({_REGRADED, _TO_DECIDE} if gone else set())
    answered = standing.answered_by is not None or standing.answer_by is None or inside is not None
    return Letter(
        language=standing.language,
        words=_frame(alert, tongue),
        type=alert.type,
        case=alert.case,
        id=alert.id,
        revision=alert.revision,
        urgency=alert.urgency,
        heading=_heading(alert, tongue),
        over=gone,
        study="safety_stream" if alert.study == "-" else clean(alert.study),
        title=_title(told.titles.said(standing.language), tongue, standing, detail),
        headline=_headline(alert, told, tongue),
        who=_said(facts, _WHO, tongue),
        answer_by="" if gone or answered else _answer_by(alert, standing, tongue),
        answer_link="" if gone or answered else _link(standing),
        action=_action(alert, told, tongue),
        more_actions=() if gone else tuple(one.said(standing.language) for one in told.more_actions),
        next_in_line="" if answered else _next(lines, standing, tongue),
        as_last_told=gone and dict(alert.facts).get("Now", "").startswith(_GONE),
        facts=tuple((tongue.label(a), tongue.value(b, a)) for a, b in facts if a not in elsewhere),
        readings=_readings(alert, tongue),
        why=clean(why(alert.finding, tongue), SENTENCE_LENGTH),
        basis=(*_said(facts, _BASIS, tongue), (tongue.layout["raised"], instant(alert.as_of, standing.zone))),
        changes=changes(standing.told_before, alert, tongue),
        remarks=_remarks(alert, standing, tongue),
        is_not=tongue.layout["is_not"],
        detail=detail,
        contained=tongue.layout["contained_in"].format(id=inside) if inside else "",
        beside=tuple(letter(other, its, detail) for other, its in beside),
    )


def _action(alert: Alert, told: Entry, tongue: Tongue) -> str:
    """What to do: the entry's first instruction; of what is over, or went on all the same, its own."""
    if alert.state == "withdrawn":
        return tongue.layout["taken_back"]
    own = tongue.layout.get(f"when_{alert.decision.reason}")
    return own or (tongue.layout["when_ended"] if alert.is_over else told.actions.said(tongue.language))


def _facts(alert: Alert) -> tuple[Fact, ...]:
    return tuple((clean(label), clean(value, SENTENCE_LENGTH)) for label, value in alert.facts)


def _said(facts: tuple[Fact, ...], labels: tuple[str, ...], tongue: Tongue) -> tuple[Fact, ...]:
    return tuple((tongue.label(label), tongue.value(value, label)) for label, value in facts if label in labels)


def _headline(alert: Alert, told: Entry, tongue: Tongue) -> str:
    """What happened; pooled, that is the title of the entry, which the phrases do not know."""
    said = tongue.value(clean(alert.headline, SENTENCE_LENGTH))
    return clean(said.replace(told.title, told.titles.said(tongue.language)), SENTENCE_LENGTH)


def _title(title: str, tongue: Tongue, standing: Standing, detail: Detail) -> str:
    return tongue.layout["minimal_title"] if detail == "notice" or standing.subject_style == "minimal" else title


def _heading(alert: Alert, tongue: Tongue) -> str:
    word = word_of(alert)
    return tongue.layout["alert"] if word is None else tongue.layout["alert_over"].format(word=tongue.value(word))


def _frame(alert: Alert, tongue: Tongue) -> Mapping[str, str]:
    """The words around the facts. ``tag``: before the subject line, the urgency or how it ended."""
    told = {"id": alert.id, "revision": str(alert.revision), "version": __version__}
    filled = {name: tongue.layout[name].format_map(told) for name in ("needs_you", "footer")}
    urgency, word = tongue.layout[alert.urgency], word_of(alert)
    return {**tongue.layout, "urgency": urgency, "tag": tongue.value(word) if word else urgency, **filled}


def changes(before: Alert | None, now: Alert, tongue: Tongue) -> tuple[str, ...]:
    """What differs from the revision that the reader was last told, fact by fact; of a withdrawal, what holds now."""
    if now.is_over:
        taken_back = ((a, clean(b, SENTENCE_LENGTH)) for a, b in now.facts if a in {*_CHANGE, _REGRADED})
        return tuple(
            tongue.layout["told"].format(label=tongue.label(label), value=tongue.value(value))
            for label, value in taken_back
        )
    if before is None:
        return ()
    old, new, frame = dict(before.facts), dict(now.facts), tongue.layout
    told = [("Headline", before.headline, now.headline)]
    told += [(x, old.get(x, ""), new.get(x, "")) for x in {**old, **new} if x not in _TECHNICAL]
    return tuple(
        frame["changed"].format(
            label=tongue.label(clean(label)),
            before=tongue.value(clean(was), label) or frame["not_told"],
            now=tongue.value(clean(now_), label) or frame["no_longer_told"],
        )
        for label, was, now_ in told
        if was != now_
    )


def _answer_by(alert: Alert, standing: Standing, tongue: Tongue) -> str:
    if standing.answer_by is None:
        return ""
    minutes = int(entry(alert.type, alert.case).answer_within.total_seconds() // 60)
    kind, number = ("minutes", minutes) if minutes < 120 else ("hours", minutes // 60)
    amount = tongue.layout[kind].format(n=number)
    return tongue.layout["within"].format(time=instant(standing.answer_by, standing.zone), amount=amount)


def _link(standing: Standing) -> str:
    """The link as it was given; nothing that is not a web address ever becomes one."""
    link = standing.answer_link or ""
    return link if link.startswith(_LINK) and link.isprintable() and " " not in link else ""


def _next(lines: tuple[tuple[Role, ...], ...], standing: Standing, tongue: Tongue) -> str:
    roles = lines[standing.level] if standing.level < len(lines) else ()
    return tongue.layout["comma"].join(tongue.roles[role] for role in roles)


def _readings(alert: Alert, tongue: Tongue) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(alert.finding, Toxicity | WatchLimitCrossed):
        return ()
    return tuple(
        (
            clean(when_told(one.observed_at)),
            clean(quantity(one.value, one.unit)),
            tongue.value(f"grade {one.grade}") if one.grade is not None else tongue.layout["not_graded"],
        )
        for one in alert.finding.readings
    )


def _remarks(alert: Alert, standing: Standing, tongue: Tongue) -> tuple[str, ...]:
    frame, newest = tongue.layout, standing.newest_revision
    told = {
        frame["answered"].format(by=clean(standing.answered_by or "")): standing.answered_by is not None,
        frame["reminder"]: standing.reminder,
        frame["pooled"]: standing.pooled,
        frame["possible_repeat"]: standing.possible_repeat,
        frame["in_place_of_another"]: standing.in_place_of_another,
        frame["passed_on"]: standing.passed_on,
        frame["level"].format(level=standing.level): standing.level > 1
        and not (standing.in_place_of_another or standing.passed_on),
        frame["newer"].format(revision=newest): newest is not None and newest > alert.revision,
        frame["late"]: standing.late,
    }
    return tuple(remark for remark, so in told.items() if so)
