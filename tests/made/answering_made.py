"""An alert on record, a clock that the test turns, and everything that answers, tells and steps up around them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Outcome
from safety_stream.notifier.answers import Answers
from safety_stream.notifier.courses import ms
from safety_stream.notifier.links import Links, Ticket, reader
from safety_stream.notifier.outbox import Arrival, Outbox
from safety_stream.notifier.pending import Claim, NoticeClaim, Pending
from safety_stream.notifier.routing import Recipient, Routing
from safety_stream.notifier.tables import MESSAGES, TRANSITIONS
from safety_stream.notifier.timekeeping import Timetable

START = datetime(2026, 3, 12, 3, 0, tzinfo=UTC)
PHYSICIAN, BACKUP, MONITOR, BOARD = (
    Recipient("email", f"{name}@example.org") for name in ("physician", "backup", "monitor", "board")
)
PEOPLE = Routing(
    {
        "*": {
            "safety_physician": (PHYSICIAN,),
            "safety_physician_backup": (BACKUP,),
            "medical_monitor": (MONITOR,),
            "dsmb_chair": (BOARD,),
            "sponsor_safety": (MONITOR,),
            "site_investigator": (Recipient("email", "site@example.org"),),
            "data_manager": (Recipient("email", "data@example.org"),),
            "operator": (Recipient("email", "operator@example.org"),),
        }
    }
)
OLD_KEY, KEY = "an old key of more than 32 characters", "the new key, more than 32 characters"


@dataclass
class Office:
    """The messenger without its tasks: each step is called by hand, at the time that the test sets."""

    engine: Engine
    storm_over: int = 0
    routing: Routing = field(default_factory=lambda: PEOPLE)
    now: datetime = START
    links: Links = field(default_factory=lambda: Links((OLD_KEY, KEY), "https://safety.example.org"))

    def __post_init__(self) -> None:
        self.answers, self.pending = Answers(self.engine), Pending(self.engine)

    def record(self, *alerts: Alert) -> None:
        """The alerts come in."""
        arrivals = [Arrival(alert, "safety.alerts/0@1") for alert in alerts]
        Outbox(self.engine, self.storm_over).record(arrivals, self.routing, ms(self.now))

    def wait(self, minutes: float) -> None:
        """Time passes, and whatever is due by then moves, as it would after a restart."""
        self.now += timedelta(minutes=minutes)
        Timetable(self.engine, self.storm_over).move(ms(self.now))

    def mail(self, result: str = "accepted") -> list[tuple[str, int, str]]:
        """Send everything that is due: address, level and kind of each mail."""
        return sorted((claim.person.address, _level(claim), claim.kind) for claim in self.sent(result))

    def sent(self, result: str = "accepted", at_most: int = 1000) -> list[Claim | NoticeClaim]:
        """Send what is due now, each with the same outcome."""
        claims: list[Claim | NoticeClaim] = []
        outcome = Outcome(result, "as the test says")  # type: ignore[arg-type]  # a Result
        while len(claims) < at_most and (claim := self.pending.claim("email", ms(self.now), 60_000)) is not None:
            self.pending.settle(claim, outcome, ms(self.now), ms(self.now) + 60_000)
            if result == "rejected" and isinstance(claim, Claim):
                Outbox(self.engine).refused(claim.alert, claim.level, ms(self.now))
            claims.append(claim)
        return claims

    def link(self, alert: Alert, person: Recipient = PHYSICIAN, revision: int | None = None) -> str:
        """The path and token of a reader's link."""
        link = self.links.of(Ticket(alert.id, revision or alert.revision, reader(person.key)))
        assert link is not None
        return link.removeprefix(self.links.base_url)

    def moves(self, alert: Alert) -> list[tuple[str, str]]:
        """Every move of an alert, as it is on record: what and by whom."""
        kept = select(TRANSITIONS).where(TRANSITIONS.c.alert_id == alert.id).order_by(TRANSITIONS.c.number)
        with self.engine.begin() as db:
            return [(row.what, row.who) for row in db.execute(kept)]

    def state(self, alert: Alert) -> str:
        """Where an alert stands."""
        standing = self.answers.standing(alert.id)
        assert standing is not None
        return standing.course.state


class Gathering(Office):
    """An office whose mails wait two seconds for more of their specimen."""

    def record(self, *alerts: Alert) -> None:
        """The alerts come in."""
        outbox = Outbox(self.engine, gather_ms=2000)
        outbox.record([Arrival(alert, "-") for alert in alerts], self.routing, ms(self.now))

    def second(self, seconds: float = 2) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def mails(self, result: str = "accepted") -> list[tuple[str, list[str]]]:
        """Everything that is due: to whom, and the alerts of each mail in their order."""
        claims = [claim for claim in self.sent(result) if isinstance(claim, Claim)]
        return sorted((claim.person.address, [one.alert.id for one in claim.whole]) for claim in claims)

    def states(self, alert: Alert) -> set[str]:
        """What became of the messages of an alert."""
        with self.engine.begin() as db:
            return set(db.scalars(select(MESSAGES.c.state).where(MESSAGES.c.alert_id == alert.id)))


def _level(claim: Claim | NoticeClaim) -> int:
    return claim.level if isinstance(claim, Claim) else 1
