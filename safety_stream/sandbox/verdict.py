"""Expected against found: for each expectation whether the finding stands and the mail came, and what came besides."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.findings import FindingChange
from safety_stream.sandbox.truth import UNREADABLE_MESSAGES, Expectation

MailCounts = Mapping[tuple[str, int], int]
"""How many mails came about an alert and revision."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the comparison: what was expected, whether it holds, and what is missing if not."""

    sentence: str
    holds: bool
    mails: int | None = None
    missing: str = ""


def compare(
    truth: Sequence[Expectation],
    findings: Collection[FindingChange],
    alerts: Collection[Alert],
    dead_letters: Collection[str],
    mails: MailCounts,
) -> list[Verdict]:
    """Each expectation; then the unreadable messages; that nobody was told anything else; that all mails came."""
    told = to_be_told(alerts)
    verdicts = [_verdict(one, findings, told, mails) for one in truth]
    return [*verdicts, _unreadable(dead_letters, told, mails), _nothing_else(truth, told), _all_delivered(told, mails)]


def to_be_told(alerts: Collection[Alert]) -> list[Alert]:
    """What people are to hear: what is taken back before anybody was told of it is not told."""
    sent = [alert for alert in alerts if alert.decision.action == "send"]
    raised = {alert.id for alert in sent if alert.state == "raised"}
    return [alert for alert in sent if alert.id in raised]


def _verdict(
    expected: Expectation, findings: Collection[FindingChange], alerts: list[Alert], mails: MailCounts
) -> Verdict:
    stands = any(
        expected.matches(change.finding) and (change.change == "withdrawn") == expected.withdrawn for change in findings
    )
    of_it = [alert for alert in alerts if _is_about(alert, expected)]
    count = sum(mails.get((alert.id, alert.revision), 0) for alert in of_it)
    raised = any(mails.get((alert.id, alert.revision)) for alert in of_it if alert.state == "raised")
    taken_back = any(mails.get((alert.id, alert.revision)) for alert in of_it if alert.state == "withdrawn")
    missing = [
        words
        for words, holds in (
            ("no such finding", stands),
            ("no mail about it", raised or expected.mail is None),
            ("no mail that takes it back", taken_back or not expected.withdrawn),
        )
        if not holds
    ]
    return Verdict(expected.sentence, not missing, count, ", ".join(missing))


def _is_about(alert: Alert, expected: Expectation) -> bool:
    return alert.type == expected.mail and alert.finding is not None and expected.matches(alert.finding)


def _unreadable(dead_letters: Collection[str], alerts: list[Alert], mails: MailCounts) -> Verdict:
    about = [alert for alert in alerts if alert.type == "unreadable_message"]
    count = sum(mails.get((alert.id, alert.revision), 0) for alert in about)
    found = len(dead_letters) == UNREADABLE_MESSAGES
    missing = "" if found else f"{len(dead_letters)} dead letters"
    sentence = "007: a result that arrived torn is kept among the dead letters, with its reason"
    return Verdict(sentence, found and count > 0, count, missing or ("" if count else "no mail about it"))


def _nothing_else(expected: Sequence[Expectation], alerts: list[Alert]) -> Verdict:
    """A needless alert is ignored, and with it the next one."""
    beside = sorted(
        f"{alert.subject or '-'}: {alert.headline}"
        for alert in alerts
        if alert.finding is not None
        and alert.type != "cohort_decision"
        and not any(one.matches(alert.finding) for one in expected)
    )
    return Verdict("nobody was told anything else about a subject", not beside, None, "; ".join(beside))


def _all_delivered(alerts: list[Alert], mails: MailCounts) -> Verdict:
    """Of every alert the newest revision: one that a newer overtook while it waited need not go out."""
    newest: dict[str, int] = {}
    for alert in alerts:
        newest[alert.id] = max(alert.revision, newest.get(alert.id, 0))
    unsent = [f"{alert} revision {revision}" for alert, revision in newest.items() if not mails.get((alert, revision))]
    sentence = f"each of the {len(newest)} alerts that were to be sent has reached its recipients"
    return Verdict(sentence, bool(newest) and not unsent, sum(mails.values()), ", ".join(unsent))
