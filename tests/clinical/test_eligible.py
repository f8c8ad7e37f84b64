"""The subject against all criteria: recorded facts, wash-outs, screened again, enrolled all the same; by hand."""

from itertools import permutations
from typing import Any

import pytest
from stories import TREATED, Played, enrolled, fact, infusion, lab, planned, screened, told

from safety_stream.clinical.events import FactRecorded, Screened, SubjectEvent


def state_of(criterion: str, *events: SubjectEvent) -> Any:
    """The verdict on one criterion at the first screening."""
    status = Played([screened(), *events]).one("eligibility_status", check="screening", screening=1)
    return next(one.verdict for one in status.criteria if one.criterion == criterion)


STATEMENTS: list[tuple[str, dict[str, bool | str], str]] = [
    ("hepatitis-b", {"hbsag-positive": True}, "breached"),
    ("hepatitis-b", {"hbsag-positive": False, "hbcab-positive": True}, "undetermined"),
    ("hepatitis-b", {"hbsag-positive": False, "hbcab-positive": True, "hbv-dna-above-normal": True}, "breached"),
    ("hepatitis-b", {"hbsag-positive": False, "hbcab-positive": False}, "met"),
    ("hepatitis-b", {"hepatitis-b": False}, "met"),
    ("hepatitis-b", {"hepatitis-b": False, "hbsag-positive": True}, "breached"),
    ("hepatitis-c", {"hcv-antibody-positive": True, "hcv-rna-detectable": False}, "met"),
    ("cmv-or-ebv-dna", {"cmv-dna-above-normal": False}, "undetermined"),
    ("selena-sledai-at-least-8", {"selena-sledai": "8"}, "met"),
    ("selena-sledai-at-least-8", {"selena-sledai": "7"}, "breached"),
    ("selena-sledai-at-least-8", {"selena-sledai": True}, "undetermined"),
    ("bilag-a-or-two-b", {"bilag-a-organs": "0", "bilag-b-organs": "2"}, "met"),
    ("age-18-to-65", {}, "met"),
    ("live-vaccine-within-4-weeks", {"live-vaccine-last": "2024-05-07"}, "breached"),  # 28 days before: inside
    ("live-vaccine-within-4-weeks", {"live-vaccine-last": "2024-05-06"}, "met"),
    ("live-vaccine-within-4-weeks", {"live-vaccine-last": "2024-05"}, "undetermined"),
    ("live-vaccine-within-4-weeks", {"live-vaccine-last": "2024-04"}, "met"),
    ("live-vaccine-within-4-weeks", {"live-vaccine-last": False}, "met"),
    ("live-vaccine-within-4-weeks", {}, "undetermined"),
    ("plasmapheresis-or-ivig-within-3-months", {"plasmapheresis-last": False, "ivig-last": "2024-03-04"}, "breached"),
    ("plasmapheresis-or-ivig-within-3-months", {"plasmapheresis-last": False, "ivig-last": "2024-03-03"}, "met"),
]


@pytest.mark.parametrize(("criterion", "recorded", "verdict"), STATEMENTS)
def test_a_statement_over_recorded_facts(criterion: str, recorded: dict[str, bool | str], verdict: str) -> None:
    """Serology, activity and wash-outs before the consent of 4 June 2024, as the registry record reads."""
    assert state_of(criterion, *(fact(name, -19, value) for name, value in recorded.items())) == verdict


@pytest.mark.parametrize(("criterion", "recorded", "verdict"), [one for one in STATEMENTS if one[2] == "breached"])
def test_one_more_fact_never_makes_a_breach_undetermined(
    criterion: str, recorded: dict[str, Any], verdict: str
) -> None:
    """What is broken stays broken, whichever fact comes that was missing."""
    held: list[SubjectEvent] = [fact(name, -19, value) for name, value in recorded.items()]
    for name in {"hbcab-positive", "hbv-dna-above-normal", "bilag-a-organs", "tuberculosis-latent"} - recorded.keys():
        for value in (True, False):
            assert state_of(criterion, *held, fact(name, -19, value)) == verdict


def test_an_enrolled_subject_who_is_not_eligible_is_one_serious_state() -> None:
    """HIV and platelets of 42, enrolled: both are named in one finding, and the rest is undetermined in it."""
    played = Played([screened(), fact("hiv", -19, value=True), lab("PLAT", -14, "42"), enrolled()])
    status = played.one("eligibility_status", check="screening")
    assert (status.state, status.enrolled, status.given) == ("not_eligible", True, False)
    broken = {one.criterion: one.distance for one in status.criteria if one.verdict == "breached"}
    assert broken == {"hiv": None, "platelets": "8 10*9/L below the limit"}
    assert played.one("eligibility_breach", criterion="hiv").verdict == "breached"


def test_hold_before_an_infusion_and_go_on_when_it_has_passed() -> None:
    """An infection in the check before infusion 2 holds it; without the other results it is never a go."""
    story: list[SubjectEvent] = [screened(), enrolled(), infusion(1, 0), fact("uncontrolled-infection", 4, value=True)]
    (check,) = Played(story).of("eligibility_status", infusion=2)
    assert (check.state, check.given) == ("hold", False)
    (check,) = Played([*story, fact("uncontrolled-infection", 6, value=False)]).of("eligibility_status", infusion=2)
    assert check.state == "undetermined"


def again(day: float) -> Screened:
    """A second consent."""
    source = {"system": "test", "id": "consent-2", "version": 1}
    return screened(source=source, consented=told(day, 9))


def test_screened_again_starts_anew_in_any_order() -> None:
    """The HIV test and the platelets of the first screening decide the first alone, which stays on record."""
    story: list[SubjectEvent] = [
        screened(), fact("hiv", -19, value=True), lab("PLAT", -18, "42"), again(-12), fact("hiv", -11, value=False),
    ]  # fmt: skip
    for order in permutations(story):
        played = Played(order)
        first, second = (played.one("eligibility_status", screening=number) for number in (1, 2))
        assert first.state == "not_eligible"
        verdicts = {one.criterion: one.verdict for one in second.criteria}
        assert (second.state, verdicts["hiv"], verdicts["platelets"]) == ("undetermined", "met", "undetermined")


def test_a_consent_to_an_amendment_is_no_new_screening() -> None:
    """Who is enrolled and consents again stays screened as before."""
    played = Played([screened(), enrolled(day=-15), again(-12)])
    assert [one.screening for one in played.of("eligibility_status")] == [1]


def test_two_answers_at_one_time_are_unknown() -> None:
    """Two records of one time that differ leave the fact unknown, with the reason."""
    other = fact("hiv", -19, value=False)
    twin = FactRecorded.model_validate(
        other.model_dump() | {"source": {"system": "test", "id": "twin", "version": 1}, "value": True}
    )
    assert state_of("hiv", other, twin) == "undetermined"


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ([(-19, False), (6, True)], "met"),  # an infection that came after the first infusion
        ([(-19, True), (6, False)], "breached"),  # one that was there, and was over later
        ([(-19, False), (-4, True)], "met"),  # the check before the infusion asks about that one
        ([(-4, True)], "breached"),  # first recorded in that check
        ([(6, True)], "undetermined"),
    ],
)
def test_screening_ends_with_the_first_treatment(told: list[tuple[int, bool]], verdict: str) -> None:
    """T9: at screening, again before each infusion, after that for information: what comes later rewrites nothing."""
    name = "uncontrolled-infection"
    facts = [fact(name, day, value) for day, value in told]
    assert state_of(name, *TREATED[:6], *facts) == verdict


def test_an_infection_after_the_first_infusion_holds_the_second_and_accuses_nobody() -> None:
    """T9: the check before infusion 2 says hold; the screening stays as it was judged."""
    name = "uncontrolled-infection"
    played = Played([*TREATED[:6], planned(2, 7), fact(name, -19, False), fact(name, 6, True)])
    check = played.one("eligibility_status", check="before_infusion", infusion=2)
    assert check.state == "hold"
    (breach,) = [one for one in played.of("eligibility_breach") if one.criterion == name]
    assert breach.phase == "before_infusion"
