"""Expected against found: for each expectation whether the finding stands and the mail came, and what came besides."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safety_stream.alerting.alert import Alert
from safety_stream.clinical.findings import FindingChange
from safety_stream.sandbox.truth import Expectation

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
    truth: Iterable[Expectation], findings: Iterable[FindingChange], alerts: Iterable[Alert], mails: MailCounts
) -> list[Verdict]:
    """Each expectation, then: nobody was told anything else, and every alert to be sent reached somebody."""
    expected, last, told = list(truth), list(findings), list(alerts)
    verdicts = [_verdict(one, last, told, mails) for one in expected]
    return [*verdicts, _nothing_else(expected, told), _all_delivered(told, mails)]


def _verdict(expected: Expectation, findings: list[FindingChange], alerts: list[Alert], mails: MailCounts) -> Verdict:
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


def _nothing_else(expected: list[Expectation], alerts: list[Alert]) -> Verdict:
    """A needless alert is ignored, and with it the next one."""
    beside = sorted(
        f"{alert.subject or '-'}: {alert.headline}"
        for alert in alerts
        if alert.decision.action == "send"
        and alert.finding is not None
        and alert.type != "cohort_decision"
        and not any(one.matches(alert.finding) for one in expected)
    )
    return Verdict("nobody was told anything else about a subject", not beside, None, "; ".join(beside))


def _all_delivered(alerts: list[Alert], mails: MailCounts) -> Verdict:
    """The newest revision that was to be sent; one that a newer overtook while it waited need not go out."""
    newest: dict[str, int] = defaultdict(int)
    for alert in alerts:
        if alert.decision.action == "send":
            newest[alert.id] = max(newest[alert.id], alert.revision)
    unsent = [f"{alert} revision {revision}" for alert, revision in newest.items() if not mails.get((alert, revision))]
    sentence = f"each of the {len(newest)} alerts that were to be sent has reached its recipients"
    return Verdict(sentence, bool(newest) and not unsent, sum(mails.values()), ", ".join(unsent))
