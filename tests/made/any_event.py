"""Any one event of a subject of the bundled study, from a small world so that events meet each other."""

from hypothesis import strategies as st
from stories import (
    TREATED,
    Played,
    adjudicated,
    adverse,
    at,
    enrolled,
    fact,
    head,
    infusion,
    lab,
    lymphodepletion,
    planned,
    screened,
    taken_back,
    told,
    vital,
    withdrawn,
)

from safety_stream.clinical.events import Completed, SubjectEvent

VALUES = {
    "NEUT": ["0.3", "0.49", "0.5", "0.9", "1.4", "2.5", "<0.5", "Hello"],
    "ALT": ["20", "41", "90", "130", "210", "900"],
    "BILI": ["10", "25", "45", "70"],
    "ALP": ["60", "150", "250"],
    "K": ["4.1", "2.8", "7.3"],
    "HGB": ["120", "95", "79"],
    "LVEF": ["60", "45"],
    "CA": ["1.7", "2.1", "3.2"],
    "ALB": ["20", "41"],
    "CAION": ["0.7", "1.2"],
    "WBC": ["4.0", "0.8"],
    "NEUTLE": ["5", "60"],
    "CREAT": ["70", "190"],
    "QTCF": ["440", "490", "510"],
    "TEMP": ["36.8", "37.9", "38.1", "38.4", "40.1", "40.6", ">39.9"],
    "SYSBP": ["82", "118", "144", "166"],
    "GLUC": ["5.5", "13.9", "14.0", "25.1", "<15", ">30", "Hello"],
}


def events() -> st.SearchStrategy[SubjectEvent]:
    """Any one event of a subject of the bundled study, from a small world so that events meet each other."""
    days = st.sampled_from([-12.0, -6.0, -5.0, -1.0, 0.0, 0.2, 3.0, 8.0, 8.1, 8.4, 8.8, 9.0, 14.0, 29.0, 42.0, 43.0])
    versions = st.integers(1, 2)
    statuses = st.sampled_from(["preliminary", "final", "corrected", "entered-in-error"])
    labs = st.sampled_from(sorted(VALUES)).flatmap(
        lambda test: st.builds(
            lambda day, value, version, status, partial: lab(
                test, day, value, version=version, status=status, **_on(day, partial=partial)
            ),
            days, st.sampled_from(VALUES[test]), versions, statuses, st.booleans(),
        )
    )  # fmt: skip
    adverses = st.builds(
        lambda term, day, grade, version, status, extra: adverse(
            term, day, grade=grade, version=version, status=status, record=f"ae-{term}", **extra
        ),
        st.sampled_from(["Cytokine release syndrome", "Nausea", "Feeling odd"]),
        days, st.sampled_from([None, 1, 3, 4, 5]), versions, statuses,
        st.sampled_from([
            {}, {"seriousness": ["hospitalization"]}, {"outcome": "fatal"},
            {"resolved": at(14).isoformat(), "outcome": "recovered"},
            {"onset": "2024-07"}, {"onset": None}, {"attribution": "unrelated"},
        ]),
    )  # fmt: skip
    infusions = st.builds(
        lambda n, day, v, s: infusion(n, day, version=v, status=s), st.integers(1, 3), days, versions, statuses
    )
    others = st.sampled_from(
        [
            *TREATED, enrolled(9), enrolled(2, source={"system": "test", "id": "other"}), planned(2, 8), withdrawn(9),
            withdrawn(10, "treatment"), fact("on_anticoagulant", -6, value=True), screened(age_years=16),
            screened(protocol_version="2.0"), vital("TEMP", 8, "39.1", "Cel"),
            lymphodepletion(-4, status="entered-in-error"),
            adjudicated(_dlt_id(), 20, "refuted"), adjudicated(_dlt_id(), 21, "confirmed"),
        ]
    )  # fmt: skip
    return st.one_of(labs, labs, adverses, infusions, others, _about_the_subject(days), _told_otherwise())


def _about_the_subject(days: st.SearchStrategy[float]) -> st.SearchStrategy[SubjectEvent]:
    """Facts that an eligibility criterion asks for, further consents, and decisions on what may or may not be there."""
    facts = st.builds(
        fact, st.sampled_from(["hbsag-positive", "hiv-history", "pregnant", "on_anticoagulant"]), days, st.booleans()
    )
    dated = st.builds(
        fact, st.just("live-vaccine-last"), days, st.sampled_from(["2024-05-30", "2024-05", "2024-01-01", "no idea"])
    )
    consents = st.builds(
        lambda record, day, version: screened(
            day, protocol_version=version, source={"system": "test", "id": f"consent-{record}", "version": 1}
        ),
        st.integers(1, 2), st.sampled_from([-20.0, -12.0, 3.0, 9.0]), st.sampled_from([None, "1.0", "2.0", "7"]),
    )  # fmt: skip
    decisions = st.builds(
        adjudicated, st.sampled_from([_dlt_id(), _potassium_id(), "0123456789abcdef"]),
        st.sampled_from([9.0, 20.0, 21.0, 21.0]), st.sampled_from(["confirmed", "refuted"]),
        st.sampled_from(["Dr A", "Dr B"]),
    )  # fmt: skip
    ends = st.builds(
        lambda day: Completed.model_validate(head("completion", 1, at(day, 12)) | {"completed": str(at(day).date())}),
        days,
    )
    return st.one_of(facts, dated, consents, decisions, ends).flatmap(_perhaps_taken_back)


def _told_otherwise() -> st.SearchStrategy[SubjectEvent]:
    """A dose, a plan or a baseline that is moved, corrected or taken back; a release with the course of its grade."""
    moved = st.sampled_from([-5.0, -4.0, -1.0, 0.0, 3.0])
    doses = st.builds(
        lambda day, hour, version: lymphodepletion(
            day, given=told(day, hour), source={"system": "test", "id": "flu-1", "version": version}
        ),
        moved, st.sampled_from([1.0, 10.0, 23.9]), st.integers(1, 3),
    )  # fmt: skip
    plans = st.builds(planned, st.integers(1, 3), moved)
    late = st.builds(
        lambda test, value, version: lab(test, -6, value, version=version, reported=at(40), record=f"base-{test}"),
        st.sampled_from(["ALT", "BILI"]), st.sampled_from(["20", "90", "41"]), st.integers(1, 3),
    )  # fmt: skip
    course = st.lists(st.tuples(st.sampled_from([8.0, 9.0, 12.5]), st.integers(0, 4)), max_size=3)
    releases = st.builds(
        lambda version, lines: adverse(
            "Cytokine release syndrome", 8, grade=3, version=version, record="ae-course", outcome="recovered",
            resolved=told(13), reported=at(13, 20),
            grade_course=[{"since": told(day), "grade": grade} for day, grade in lines],
        ),
        st.integers(1, 2), course,
    )  # fmt: skip
    return st.one_of(doses, plans, late, releases).flatmap(_perhaps_taken_back)


def _perhaps_taken_back(event: SubjectEvent) -> st.SearchStrategy[SubjectEvent]:
    """The event, or more seldom its withdrawal: it was told of the wrong subject."""
    return st.sampled_from([event, event, event, taken_back(event, 9)])


def _on(day: float, *, partial: bool) -> dict[str, str]:
    """The day alone, where the time of day is not known."""
    return {"observed_at": str(at(day).date())} if partial else {}


def _potassium_id() -> str:
    return str(Played([*TREATED, lab("K", 8, "7.3")]).one("dose_limiting_toxicity").id)


def _dlt_id() -> str:
    story = Played([*TREATED, adverse("Cytokine release syndrome", 8, grade=4, record="ae-Cytokine release syndrome")])
    return str(story.one("dose_limiting_toxicity", rule="crs-4").id)
