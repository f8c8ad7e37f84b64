"""What is dated long before the consent and told since is asked about, and severe under treatment by mail (T39).

    2023-07-04           2024-05-07        2024-06-04   2024-06-24      2024-07-04
    ----- * -----------------|=================C------------|------------- told ---->
          dated              28 days before    consent      day 0

28 days before 4 June: 27 days lead back to 8 May, the 28th to 7 May, which counts.
"""

from itertools import permutations
from typing import Any

import pytest
from stories import TREATED, Played, adverse, at, bundled, bundled_with, lab, lymphodepletion, screened, taken_back

from safety_stream.alerting.drafts import alerts_of
from safety_stream.clinical.events import SubjectEvent

LAST_YEAR = "2023-07-04T08:00:00+08:00"
QUESTIONS = {"observed_long_before_consent", "onset_long_before_consent", "severe_long_before_consent"}


def _asked(played: Played) -> list[tuple[str, str]]:
    return [(one.code, one.about) for one in played.of("data_query") if one.code in QUESTIONS]


def _mailed(played: Played) -> list[tuple[str, str, str]]:
    drafts = [draft for one in played.of("data_query") if one.code in QUESTIONS for draft in alerts_of(one)]
    return [(one.type, one.case, one.decision.action) for one in drafts]


def test_a_grade_4_of_last_year_told_under_treatment_is_a_question_by_mail() -> None:
    """Neutrophils 0.3 taken on 4 July, the year typed as the last: grade 4 by its figure, "before treatment" by it."""
    played = Played([*TREATED, lab("NEUT", 10, "0.3", observed_at=LAST_YEAR)])
    question = played.one("data_query", code="severe_long_before_consent")
    assert question.about == "NEUT, grade 4"
    assert question.found == f"observed {LAST_YEAR}, reported 2024-07-04, consented 2024-06-04"
    assert question.expected == (
        "a day from 2024-05-07 on, or its report before the consent: it counts as before treatment, and with another "
        "date may be grade 4 under treatment"
    )
    assert question.sources == ("test|NEUT@10 v1",)
    assert _mailed(played) == [("ungradable", "long_before", "send")]


def test_what_is_mild_is_asked_on_the_list_once_an_analyte() -> None:
    """Two potassiums of grade 0 of last year: one question that counts two, and no mail."""
    results = [lab("K", day, "4.1", observed_at=f"2023-07-0{day}") for day in (4, 5)]
    played = Played([*TREATED, *results])
    assert _asked(played) == [("observed_long_before_consent", "K")]
    assert played.one("data_query", code="observed_long_before_consent").count == 2
    assert _mailed(played) == [("ungradable", "", "hold")]


@pytest.mark.parametrize(
    ("dated", "reported", "asks"),
    [
        ("2023-07-04", at(-20, 12), True),  # told on the day of consent
        ("2023-07-04", at(-21, 12), False),  # history, told the day before
        ("2023-07-04", at(-356, 12), False),  # history, told when it was taken
        ("2024-05-06", at(-19, 12), True),  # 29 days before the day of consent
        ("2024-05-07", at(-19, 12), False),  # 28 days: inside
        ("2024-05", at(-19, 12), False),  # may be inside
        ("2024-04", at(-19, 12), True),  # surely is not
    ],
)
def test_history_told_before_the_consent_asks_nothing(dated: str, reported: Any, asks: bool) -> None:
    """A potassium of grade 3 before treatment: by when it was told, and by the days that the protocol counts."""
    played = Played([*TREATED, lab("K", -30, "6.5", observed_at=dated, reported=reported)])
    assert _asked(played) == ([("observed_long_before_consent", "K")] if asks else [])


@pytest.mark.parametrize(
    ("says", "code", "about"),
    [
        ({"grade": 3}, "severe_long_before_consent", "Colitis (test|e), grade 3"),
        ({"grade": 2, "serious": True}, "severe_long_before_consent", "Colitis (test|e), serious"),
        ({"grade": 2}, "onset_long_before_consent", "Colitis (test|e)"),
        ({"grade": 3, "reported": at(-10)}, "onset_long_before_consent", "Colitis (test|e)"),
    ],
)
def test_an_onset_of_last_year_is_asked_about(says: dict[str, Any], code: str, about: str) -> None:
    """A colitis whose onset no DLT window holds: by mail where it is severe or serious and told under treatment."""
    played = Played([*TREATED, adverse("Colitis", 10, onset="2023-07-04", record="e", **says)])
    assert _asked(played) == [(code, about)]


def test_a_study_that_sets_no_days_before_consent_asks_nothing() -> None:
    """The limit is the protocol's: without it there is none."""
    rules = bundled().protocols["CAR-NK-SLE-01"].versions[0].eligibility
    assert rules is not None
    book = bundled_with(eligibility=rules.model_copy(update={"days_before_consent": None}))
    assert not _asked(Played([*TREATED, lab("K", 10, "7.3", observed_at=LAST_YEAR)], book=book))


def test_any_order_of_consent_dose_and_result_ends_in_the_same_question() -> None:
    """Consent told late or corrected by a year, dose told late, result told first: one question, or none."""
    result = lab("K", 10, "7.3", observed_at=LAST_YEAR)
    story: tuple[SubjectEvent, ...] = (screened(), lymphodepletion(-5), result)
    for order in permutations(story):
        assert _asked(Played(order)) == [("severe_long_before_consent", "K, grade 4")]
    moved = screened(consented="2023-06-20").model_copy(
        update={"source": screened().source.model_copy(update={"version": 2})}
    )
    for order in permutations((*story, moved)):
        assert not _asked(Played(order))


def test_the_question_ends_with_the_corrected_day_and_with_the_dose_that_made_it_urgent() -> None:
    """Version 2 says this year: nothing is asked. With the only dose taken back, the question is one for the list."""
    result, dose = lab("K", 10, "7.3", observed_at=LAST_YEAR), lymphodepletion(-5)
    assert not _asked(Played([screened(), dose, result, lab("K", 10, "7.3", version=2)]))
    assert _asked(Played([screened(), dose, result, taken_back(dose)])) == [("observed_long_before_consent", "K")]
