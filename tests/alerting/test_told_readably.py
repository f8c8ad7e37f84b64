"""What a mail says of a stagger that ended, of times, and of a decision that nobody is asked for any more."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import findings_made as made
import pytest
from stories import TREATED, Played, lab

from safety_stream.alerting.letter import Standing, letter
from safety_stream.alerting.phrases import instant, readable
from safety_stream.alerting.policy import revise
from safety_stream.alerting.wording import facts
from safety_stream.clinical.findings_study import StaggerBreach


def _ended(breach: StaggerBreach, whose: str) -> tuple[str, str, str]:
    (alert,) = revise(made.withdrawn(breach, because=f"status {whose} revision 4"))
    assert alert.decision.action == "send"
    return alert.state, alert.decision.reason, dict(alert.facts)["Why"]


def test_a_plan_that_was_moved_is_not_taken_back() -> None:
    """Planned a week after the first, and the subject's own plan changed: right when told, and over."""
    assert _ended(made.stagger_breach(), made.SUBJECT) == (
        "ended",
        "no_longer_due",
        "the plan of this subject was moved to another day or dose level, or the subject left",
    )


@pytest.mark.parametrize(
    ("breach", "whose", "why"),
    [
        (
            made.stagger_breach(),
            "SUBJ-7742",
            "the first infusion of the level is dated otherwise now, or is of another subject",
        ),
        (
            made.stagger_breach(infusion="given"),
            made.SUBJECT,
            "the first infusion of this subject is dated otherwise now, or of another dose level",
        ),
    ],
)
def test_a_corrected_date_takes_the_breach_back_and_says_whose(breach: StaggerBreach, whose: str, why: str) -> None:
    """The date of the first of the level, or the day that the infusion was given: what was told was wrong."""
    assert _ended(breach, whose) == ("withdrawn", "withdrawn", why)


def test_a_plan_moved_nearer_still_is_told_again() -> None:
    """From 7 days after the first to 5: the alert stands, with its new day."""
    nearer = made.stagger_breach(infusion_on=date(2026, 3, 7), days_apart=5)
    (alert,) = revise(made.changed(made.stagger_breach(), nearer, because=f"status {made.SUBJECT} revision 4"))
    assert (alert.state, alert.decision.reason) == ("raised", "worse")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (
            "observed 2024-07-04T08:00:00+08:00, reported",
            "observed 2024-07-04 08:00 +08:00 (2024-07-04 00:00 UTC), reported",
        ),
        ("due 2024-07-04T08:00:00+00:00, day 0", "due 2024-07-04 08:00 UTC, day 0"),
        ("at 2024-07-04T08:00:07Z.", "at 2024-07-04 08:00:07 UTC."),  # a second may be what is asked about
        ("lis|NEUT-2024-07-04T08:00:00+08:00 v1", "lis|NEUT-2024-07-04T08:00:00+08:00 v1"),  # the name of a record
        ("onset 2024-07-04, 2024-07", "onset 2024-07-04, 2024-07"),
    ],
)
def test_instants_in_a_sentence_read_as_everywhere(text: str, reads: str) -> None:
    """Local time with UTC beside it; what is not an instant, or names a record, stays as it is."""
    assert readable(text) == reads


def test_an_instant_is_told_to_the_minute_in_the_zone_of_the_reader() -> None:
    """16:00:30 in UTC is past midnight in Shanghai."""
    at = datetime(2024, 7, 3, 16, 0, 30, tzinfo=UTC)
    assert instant(at, ZoneInfo("Asia/Shanghai")) == "2024-07-04 00:00 +08:00 (2024-07-03 16:00 UTC)"


def test_the_onset_of_a_composite_is_told_in_the_zone_of_the_study() -> None:
    """Hy's law of samples of 08:00 on days 10 and 12 (4 and 6 July) in Shanghai."""
    met = Played([*TREATED, lab("ALT", 10, "200"), lab("BILI", 12, "60")]).one("composite", composite="hys-law")
    told = dict(facts(met))
    assert told["Onset"] == "2024-07-04 08:00 +08:00 (2024-07-04 00:00 UTC)"
    assert told["Met with the sample of"] == "2024-07-06 08:00 +08:00 (2024-07-06 00:00 UTC)"


def test_nobody_is_asked_to_adjudicate_what_is_decided_or_taken_back() -> None:
    """A candidate asks; a refuted one says how to decide anew; one that is taken back says neither."""
    candidate = made.dose_limiting_toxicity()
    refuted = made.dose_limiting_toxicity(state="refuted", adjudicated_by="Dr A", adjudication="of the disease")
    assert "To adjudicate" in dict(facts(candidate))
    assert "To adjudicate" not in dict(facts(refuted))
    assert "To decide anew" in dict(facts(refuted))
    (gone,) = revise(made.withdrawn(candidate))
    assert "To adjudicate" not in dict(letter(gone, Standing(answer_by=None)).facts)
