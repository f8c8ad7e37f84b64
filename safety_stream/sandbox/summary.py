"""The end of a demo: expected against found, the counts, and where to look."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import REASONS
from safety_stream.sandbox.inbox import Mail
from safety_stream.sandbox.verdict import Verdict, to_be_told
from safety_stream.sandbox.watcher import Seen

_NAMES = {
    "toxicity": "toxicity from measurements",
    "reported_event": "adverse event as reported",
    "dose_limiting_toxicity": "DLT candidate",
    "eligibility_breach": "eligibility breach",
    "eligibility_status": "state of eligibility",
    "watch_limit": "outside a watch limit",
    "data_query": "question about data",
    "cohort_decision": "3+3 advice for a dose level",
    "composite": "Hy's law, a liver stopping criterion or hematotoxicity",
    "reporting_due": "reporting clock of a serious event",
    "stagger_breach": "first infusion too soon in its dose level",
    "study_tally": "the study in numbers",
    "unobserved": "results or hours that nobody observed",
}
_ENDED = {"raised": "", "withdrawn": " taken back", "ended": " ended"}
_ABOVE_THE_BASIS = "\nWHAT IT RESTS ON"


@dataclass(frozen=True, slots=True)
class Times:
    """Instants on the monotonic clock, in seconds."""

    broker_up: float
    first_mail: float | None
    started: float
    ended: float

    @property
    def sentence(self) -> str:
        """How long it took."""
        waited = (
            "no mail came"
            if self.first_mail is None
            else (f"first mail {self.first_mail - self.broker_up:.0f} s after the broker was up")
        )
        return f"{waited}; {self.ended - self.started:.0f} s in all"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything a summary tells; ``places`` is where to look, by name."""

    verdicts: Sequence[Verdict]
    arrived: Mapping[str, int]
    seen: Seen
    mails: Sequence[Mail]
    times: Times
    places: Mapping[str, str]


def summarize(outcome: Outcome, console: Console) -> None:
    """Print it."""
    console.print()
    _show_a_mail(outcome.mails, console)
    console.print(Text("Expected and found", style="bold"))
    console.print(_comparison(outcome.verdicts))
    console.print(_counts(outcome))
    console.print(Text("Where to look", style="bold"))
    console.print(_two_columns(outcome.places.items()), soft_wrap=True)
    right = sum(verdict.holds for verdict in outcome.verdicts)
    style = "bold green" if right == len(outcome.verdicts) else "bold red"
    console.print(Text(f"\n{right} of {len(outcome.verdicts)} expectations hold.", style=style))


def _show_a_mail(mails: Sequence[Mail], console: Console) -> None:
    """The mail that matters most, as a physician reads it."""
    shown = next((mail for mail in mails if "dose-limiting" in mail.subject), None)
    if shown is not None:
        head = Text(f"Mail to {shown.message['To']}: {shown.subject}", style="bold")
        text = Text(shown.text().partition(_ABOVE_THE_BASIS)[0].strip())
        console.print(
            Panel(Group(head, Text(), text), border_style="dim", title="one of the mails", title_align="left")
        )
        console.print()


def _comparison(verdicts: Sequence[Verdict]) -> Padding:
    rows = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    rows.add_column("")
    rows.add_column("")
    rows.add_column("mails", justify="right")
    for verdict in verdicts:
        mark = Text("✓", style="bold green") if verdict.holds else Text("✗", style="bold red")
        told = Text(verdict.sentence)
        if verdict.missing:
            told.append(f"\n{verdict.missing}", style="red")
        rows.add_row(mark, told, "" if verdict.mails is None else str(verdict.mails))
    return Padding(rows, (0, 0, 1, 2))


def _counts(outcome: Outcome) -> Group:
    return Group(
        Text("In numbers", style="bold"),
        _two_columns(
            (
                ("arrived", _listed({**outcome.arrived, "unreadable message": len(outcome.seen.dead_letters)})),
                ("concluded", _listed(_findings(outcome.seen))),
                ("alerted", _listed(_sent(outcome.seen.alerts.values()))),
                ("not alerted", _listed(_held(outcome.seen.alerts.values()))),
                ("mailed", f"{len(outcome.mails)} mails to {len(_people(outcome.mails))} people"),
                ("time", outcome.times.sentence),
            )
        ),
    )


def _two_columns(rows: Iterable[tuple[str, str]]) -> Padding:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return Padding(table, (0, 0, 1, 2))


def _listed(counts: Mapping[str, int]) -> str:
    return " · ".join(f"{count:,} × {name}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def _findings(seen: Seen) -> Counter[str]:
    standing = (change.finding.kind for change in seen.findings.values() if change.change != "withdrawn")
    return Counter(_NAMES[kind] for kind in standing)


def _sent(alerts: Iterable[Alert]) -> Counter[str]:
    return Counter(f"{alert.type.replace('_', ' ')}{_ENDED[alert.state]}" for alert in to_be_told(list(alerts)))


def _held(alerts: Iterable[Alert]) -> Counter[str]:
    return Counter(REASONS[alert.decision.reason] for alert in alerts if alert.decision.action == "hold")


def _people(mails: Sequence[Mail]) -> set[str]:
    return {person for mail in mails for person in mail.recipients}
