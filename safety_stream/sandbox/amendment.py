"""Amendment replay: one file of events judged under two versions of a protocol, and all that would have differed.

Every subject is judged by the one version and by the other, whatever version he or she consented to. A finding or an
alert differs when it stands (was sent) under one version only, says something else, or was sent at another time; that a
finding cites another version of the protocol is no difference. The file may be events or entries of the log of record.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from safety_stream import intake
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.headlines import headline
from safety_stream.alerting.phrases import instant
from safety_stream.clinical.events import AnyEvent, ClockTicked, Screened
from safety_stream.clinical.findings import FindingChange
from safety_stream.intake import Rejected
from safety_stream.rulebook.protocol import Protocol
from safety_stream.rulebook.tables import Book
from safety_stream.sandbox.replay import Replay, read_line


class Unknown(ValueError):
    """A version that no protocol has."""


class Difference(NamedTuple):
    """One finding or alert that differs: in what it says (``said``: under the one and the other), or in being there."""

    what: Literal["finding", "alert"]
    differs: Literal["only_from", "only_to", "changed"]
    study: str
    subject: str | None
    id: str
    kind: str
    before: str | None
    after: str | None
    fields: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """In words, the older version first."""
        whom = f"{self.study} {self.subject or 'cohort'}"
        told = {
            "only_from": f"only under the first: {self.before}",
            "only_to": f"only under the second: {self.after}",
            "changed": f"{self.before} -> {self.after} ({', '.join(self.fields)})",
        }
        return f"{whom}: {self.what} {self.kind}: {told[self.differs]}"


@dataclass
class _Side:
    """What stands, and what was sent, under one version."""

    judged: Replay
    studies: frozenset[str]
    changes: dict[str, FindingChange] = field(default_factory=dict)
    alerts: dict[str, list[Alert]] = field(default_factory=dict)

    def take(self, event: AnyEvent) -> None:
        """One event, judged by this version alone."""
        if isinstance(event, ClockTicked) or event.study in self.studies:
            for news in self.judged.take(event):
                if isinstance(news, FindingChange):
                    self.changes[news.finding.id] = news
                elif news.decision.action == "send":
                    self.alerts.setdefault(news.id, []).append(news)


def amended(
    lines: Iterable[bytes], book: Book, version_from: str, version_to: str
) -> tuple[list[Difference], list[tuple[int, Rejected]]]:
    """All that differs between two versions over messages (one a line), and what could not be read, by its line."""
    sides = [_Side(Replay(only), frozenset(only.protocols)) for only in _books(book, version_from, version_to)]
    rejected: list[tuple[int, Rejected]] = []
    for number, line in enumerate(lines, start=1):
        for told in read_line(line)[1]:
            refused = told if isinstance(told, Rejected) else intake.admit(told, book.protocols, event_clock=True)
            if refused is not None:
                rejected.append((number, refused))
            elif not isinstance(told, Rejected):
                for side in sides:
                    side.take(_by_any_version(told, book))
    return [*_findings(*sides), *_alerts(*sides)], rejected


def _books(book: Book, *versions: str) -> Iterator[Book]:
    """The book with the protocols that have all these versions, each reduced to one of them."""
    having = {
        study: one
        for study, one in book.protocols.items()
        if set(versions) <= {version.version for version in one.versions}
    }
    if not having:
        known = "; ".join(
            f"{study}: {', '.join(one.version for one in protocol.versions)}"
            for study, protocol in sorted(book.protocols.items())
        )
        raise Unknown(f"no protocol has the versions {' and '.join(versions)}; on file: {known}")
    for version in versions:
        yield replace(book, protocols={study: _reduced(one, version) for study, one in having.items()})


def _reduced(protocol: Protocol, version: str) -> Protocol:
    (only,) = [one for one in protocol.versions if one.version == version]
    return protocol.model_copy(update={"versions": (only,), "digest": f"{protocol.digest} {version}"})


def _by_any_version(event: AnyEvent, book: Book) -> AnyEvent:
    """A consent to a version on file asks for none: else it would be a question under the other version."""
    protocol = book.protocols.get(event.study) if isinstance(event, Screened) else None
    if not isinstance(event, Screened) or protocol is None:
        return event
    known = {one.version for one in protocol.versions}
    return event.model_copy(update={"protocol_version": None}) if event.protocol_version in known else event


def _findings(one: _Side, other: _Side) -> Iterator[Difference]:
    before, after = ({i: c for i, c in side.changes.items() if c.change != "withdrawn"} for side in (one, other))
    for id_ in sorted({*before, *after}):
        a, b = before.get(id_), after.get(id_)
        fields = _fields(_content(a), _content(b)) if a and b else ()
        about = a or b
        if about is None or (a and b and not fields):
            continue
        finding = about.finding
        yield Difference(
            "finding", "changed" if a and b else "only_from" if a else "only_to", finding.study, finding.subject, id_,
            finding.kind, headline(a.finding) if a else None, headline(b.finding) if b else None, fields,
        )  # fmt: skip


def _content(change: FindingChange | None) -> Mapping[str, Any]:
    """What a finding says, without the version it cites."""
    if change is None:
        return {}
    told = change.finding.model_dump(mode="json", exclude={"protocol_version": True, "evidence": {"rule", "book"}})
    if change.finding.kind == "eligibility_status":  # the wording of a limit is no difference: what it concludes is
        told["criteria"] = [(one.criterion, one.verdict, one.value) for one in change.finding.criteria]
    return told


def _fields(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in {**one, **other} if one.get(name) != other.get(name))


def _alerts(one: _Side, other: _Side) -> Iterator[Difference]:
    for a, b in _pairs(one, other):
        fields = tuple(_sent_unlike(a, b))
        if a and b and not fields:
            continue
        about = (a or b)[-1]
        kind = f"{about.type}{f' ({about.case})' if about.case else ''}"
        differs: Literal["only_from", "only_to", "changed"] = "changed" if a and b else "only_from" if a else "only_to"
        before, after = (_sent(side, timed=_WHAT not in fields and bool(a and b)) for side in (a, b))
        yield Difference("alert", differs, about.study, about.subject, about.id, kind, before, after, fields)


def _pairs(one: _Side, other: _Side) -> Iterator[tuple[list[Alert], list[Alert]]]:
    """What each side sent of one thing: the same alert, or one of the same kind on the same finding by another result.

    An alert follows its result, and another version may tell a finding by an earlier or a later one.
    """
    both = sorted(one.alerts.keys() & other.alerts.keys())
    yield from ((one.alerts[id_], other.alerts[id_]) for id_ in both)
    left, right = (
        _by_finding({id_: told for id_, told in side.alerts.items() if id_ not in both}) for side in (one, other)
    )
    for about in sorted({*left, *right}):
        yield from zip_longest(left.get(about, []), right.get(about, []), fillvalue=[])


def _by_finding(alerts: Mapping[str, list[Alert]]) -> dict[tuple[str, ...], list[list[Alert]]]:
    """What was sent by the kind of alert and the finding it told first, in the order of sending."""
    found: dict[tuple[str, ...], list[list[Alert]]] = {}
    for id_, told in sorted(alerts.items(), key=lambda each: (each[1][0].as_of, each[0])):
        first = told[0]
        found.setdefault((first.type, first.case, first.finding.id if first.finding else id_), []).append(told)
    return found


_WHAT = "what was sent"


def _sent_unlike(one: list[Alert], other: list[Alert]) -> Iterator[str]:
    """In what two sendings of one alert differ: what its mails say, and when the first one to differ was sent."""
    said = [[(told.urgency, told.state, told.headline) for told in side] for side in (one, other)]
    if said[0] != said[1]:
        yield _WHAT
    moved = [(a.as_of, b.as_of) for a, b in zip(one, other, strict=False) if a.as_of != b.as_of]
    if moved:
        before, after = moved[0]
        yield "sent earlier" if after < before else "sent later"


def _sent(side: list[Alert], *, timed: bool) -> str | None:
    """The last headline that was sent; with the time of every mail where nothing else differs."""
    if not side:
        return None
    times = f", sent {', '.join(instant(told.as_of) for told in side)}" if timed else ""
    return f"{side[-1].headline}{times}"
