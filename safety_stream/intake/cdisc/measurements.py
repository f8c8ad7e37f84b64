"""LB, VS and EG rows to results: the value, unit and limits as reported."""

from collections.abc import Iterator
from typing import Any

from safety_stream.clinical.events import Event, LabResult, VitalSign
from safety_stream.intake.cdisc.draft import Discrepancy, Draft
from safety_stream.intake.cdisc.moments import at_the_latest
from safety_stream.intake.cdisc.words import BLOOD, YES_OR_NO


def measurement(draft: Draft) -> Iterator[Event | Discrepancy]:
    """The result of one LB, VS or EG row; a test that was not done is told, and is no event."""
    if draft["STAT"]:
        draft.note("STAT", "a result: this test was not done")
        return draft.refuse()
    observed = draft.moment("DTC", needed="when the specimen was taken or the reading made")
    if observed is None:
        return draft.refuse()
    kind, of_its_kind = _laboratory(draft) if draft.row.dataset == "lb" else _reading(draft)
    return draft.event(
        kind,
        record=f"{draft.row['USUBJID']}/{draft['SEQ']}",
        reported_at=at_the_latest(observed, draft.zone),
        test=_test(draft),
        loinc=draft.text("LOINC"),
        value=draft.text("ORRES"),
        unit=draft.text("ORRESU"),
        observed_at=observed,
        **of_its_kind,
    )


def _test(draft: Draft) -> str | None:
    """The test, with its material unless that is blood: GLUC in urine must never be read as the blood's glucose."""
    material = draft["SPEC"].upper() or ("URINE" if draft["CAT"].upper() == "URINALYSIS" else "")
    test = draft.text("TESTCD")
    return f"{material} {test}" if test and material and material not in BLOOD and draft.row.dataset == "lb" else test


def _laboratory(draft: Draft) -> tuple[type[Event], dict[str, Any]]:
    """Results taken at one time are of one specimen, unless the laboratory's number or the material differs."""
    taken = " ".join(part for part in (draft["SPEC"], draft["DTC"]) if part)
    return LabResult, {
        "range_low": draft.text("ORNRLO"),
        "range_high": draft.text("ORNRHI"),
        "laboratory": draft.text("NAM"),
        "fasting": draft.word("FAST", YES_OR_NO),
        "specimen": draft.text("REFID") or taken,
    }


def _reading(draft: Draft) -> tuple[type[Event], dict[str, Any]]:
    """Readings of one time point (supine, after 1 minute standing) belong together."""
    point = " ".join(part for part in (draft["DTC"], draft["TPT"] or draft["TPTNUM"]) if part)
    return VitalSign, {"position": draft.text("POS"), "specimen": draft.text("REFID") or point}
