"""Questions about results whose two times cannot both be right."""

from stories import TREATED, Played, at, lab


def test_a_specimen_later_than_its_report_is_a_question_and_still_counts() -> None:
    """Reported on day 8, taken on day 9: the site is asked, once an analyte, and the grade 4 is not lost."""
    told = [lab("NEUT", day, "0.3", reported=at(day - 1), record=f"n{day}") for day in (9, 10)]
    played = Played([*TREATED, *told])
    question = played.one("data_query", code="observed_after_reported")
    assert (question.about, question.count) == ("NEUT", 2)
    assert question.found == "observed 2024-07-04T08:00:00+08:00, reported 2024-07-03T08:00:00+08:00"
    assert str(played.one("toxicity", term="Neutrophil count decreased").peak) == "4"


def test_a_day_that_may_lie_before_the_report_is_no_question() -> None:
    """Of the specimen only the day is known, and the report is of that day."""
    played = Played([*TREATED, lab("NEUT", 9, "3.0", observed_at="2024-07-03", reported=at(9, 1))])
    assert not played.of("data_query")
