"""Claims about how long an episode lasted: known from sample to sample, possible between the samples around it.

day    8     10    12    14    17    20    23
NEUT   1.7   0.9   0.4   0.3   0.8   1.2   2.5      LLN 1.8; grade 1 below LLN, 3 below 1.0, 4 below 0.5
       1     3     4     4     3     2     0
"""

from datetime import timedelta
from itertools import permutations

from stories import TREATED, Played, lab

COURSE = ((8, "1.7"), (10, "0.9"), (12, "0.4"), (14, "0.3"), (17, "0.8"), (20, "1.2"), (23, "2.5"))
DAY = timedelta(days=1)


def _lasted(*told: tuple[float, str]) -> dict[int, tuple[int, int | None, bool]]:
    """By grade: days at least, days at most, whether it is over."""
    played = Played([*TREATED, lab("NEUT", 5, "2.5"), *(lab("NEUT", day, value) for day, value in told)])
    found = played.one("toxicity", term="Neutrophil count decreased")
    return {one.grade: (one.at_least // DAY, one.at_most and one.at_most // DAY, one.over) for one in found.lasted}


def test_a_whole_episode() -> None:
    """Any grade: days 8 to 20, at most 5 to 23; grade 3: 10 to 17, or 8 to 20; grade 4: 12 to 14, or 10 to 17."""
    assert _lasted(*COURSE) == {1: (12, 18, True), 3: (7, 12, True), 4: (2, 7, True)}


def test_while_it_goes_on_there_is_no_end_to_what_is_possible() -> None:
    """After day 14 it has been grade 4 for two days at least, and nobody knows how long at most."""
    assert _lasted(*COURSE[:4]) == {1: (6, None, False), 3: (4, None, False), 4: (2, None, False)}


def test_one_sample_proves_no_length() -> None:
    """One sample of grade 4 between two of grade 2: no time for certain, six days at most."""
    assert _lasted((9, "1.2"), (12, "0.4"), (15, "1.2"))[4] == (0, 6, True)


def test_of_several_runs_the_longest_and_the_last_are_shown() -> None:
    """Grade 4 on days 8 to 12, then for a day each on 15 and 19: four days, and the last one with its bounds."""
    told = ((8, "0.4"), (12, "0.4"), (13, "1.2"), (15, "0.4"), (16, "0.4"), (17, "1.2"), (19, "0.4"), (20, "0.4"))
    played = Played([*TREATED, *(lab("NEUT", day, value) for day, value in told)])
    runs = [one for one in played.one("toxicity").lasted if one.grade == 4]
    assert [(one.at_least // DAY, one.over) for one in runs] == [(4, True), (1, False)]


def test_in_any_order() -> None:
    """The four samples around the nadir in all 24 orders."""
    assert len({str(_lasted(*order)) for order in permutations(COURSE[1:5])}) == 1


def test_a_second_fall_is_a_recurrence_with_its_own_length() -> None:
    """Normal on day 23, low again on day 30: two episodes, two ids, and one alert thread each."""
    played = Played([*TREATED, *(lab("NEUT", day, value) for day, value in (*COURSE, (30, "0.4"), (33, "0.3")))])
    found = {one.episode: one for one in played.of("toxicity", term="Neutrophil count decreased")}
    assert [(one.open, [run.at_least // DAY for run in one.lasted]) for _, one in sorted(found.items())] == [
        (False, [12, 7, 2]),
        (True, [3, 3, 3]),
    ]


def test_a_run_whose_beginning_nobody_saw_and_that_is_over_extends_nothing() -> None:
    """The first count ever is grade 4 on day 20, normal on day 24: possible, as no count tells when it began."""
    played = Played([*TREATED, lab("NEUT", 20, "0.3"), lab("NEUT", 24, "2.5")])
    (met,) = played.one("dose_limiting_toxicity").rules
    assert (met.open, met.candidate_from) == (("duration",), None)
    assert played.record.header.status is not None
    assert played.record.header.status.extended_because is None


def test_across_a_sample_that_may_be_lower_nothing_is_known() -> None:
    """Below 0.5 on days 8 and 10, "<0.8" on day 12 (grade 3 or 4), below 0.5 from day 16 to 19: three days for certain.

    At most from day 6 (2.5) to day 23 (2.5); before, the run counted as eleven days for certain.
    """
    told = ((6, "2.5"), (8, "0.4"), (10, "0.4"), (12, "<0.8"), (16, "0.4"), (19, "0.3"), (23, "2.5"))
    assert _lasted(*told)[4] == (3, 17, True)
    assert _lasted(*told)[3] == (11, 17, True)


def test_a_sample_that_cannot_be_read_is_like_none() -> None:
    """Grade 4 on days 8 and 16, "hemolyzed" on day 12: eight days, as with no sample between them."""
    told = ((6, "2.5"), (8, "0.4"), (12, "hemolyzed"), (16, "0.4"), (23, "2.5"))
    assert _lasted(*told)[4] == (8, 17, True)


def test_a_rule_that_asks_for_longer_is_possible_across_such_a_sample() -> None:
    """Below 0.5 on days 6 to 36 (30 d, more than 28): a candidate; with "<0.8" on day 20 possible, 9 d are known."""
    days = (6, 13, 20, 27, 36)
    for middle, state in (("0.4", "candidate"), ("<0.8", "possible")):
        values = [lab("NEUT", day, middle if day == 20 else "0.4") for day in days]
        assert Played([*TREATED, lab("NEUT", 5, "2.5"), *values]).one("dose_limiting_toxicity").state == state
