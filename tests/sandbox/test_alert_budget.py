"""What the simulated trial costs its readers: alerts a subject and week, and mails a reader, against the budget."""

from collections import Counter
from decimal import Decimal
from typing import Final

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.catalogue import lines_of
from safety_stream.rulebook.load import load_book
from safety_stream.sandbox.replay import replay
from safety_stream.sandbox.simulator import simulated_trial
from safety_stream.settings import Settings

SUBJECTS: Final = 10  # as the trial is registered
WEEKS: Final = Decimal(238) / 7  # from the first day of the story to its last


def test_the_simulated_trial_stays_far_inside_the_alert_budget() -> None:
    """190 alert revisions, 12 of them mailed: every other one is held with a reason; no reader gets one a fortnight."""
    told = replay((message.line for message in simulated_trial().messages), load_book())
    alerts = [one for one in told if isinstance(one, Alert)]
    sent = [one for one in alerts if one.decision.action == "send"]
    readers = Counter(role for one in sent for role in lines_of(one)[0])
    assert len(sent) / (SUBJECTS * WEEKS) < Settings.model_fields["alert_budget"].default / 10
    assert readers.most_common(1)[0][0] == "safety_physician"
    assert max(readers.values()) / WEEKS < Decimal("0.5")
    assert len(sent) < len(alerts) / 4
