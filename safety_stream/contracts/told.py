"""One example of every event, as its sender writes it: in the schemas, in the AsyncAPI document and in the tests."""

from typing import Any

_BASE = {"study": "CAR-NK-SLE-01", "subject": "001", "status": "final"}


def _event(kind: str, record: str, reported_at: str, **told: Any) -> dict[str, Any]:
    system, _, number = record.partition("|")
    source = {"system": system, "id": number, "version": told.pop("version", 1)}
    return {"kind": kind, **_BASE, "source": source, "reported_at": reported_at, **told}


EVENTS: tuple[dict[str, Any], ...] = (
    _event(
        "lab_result",
        "hangzhou-lis|2026-000123-ANC",
        "2026-03-12T09:30:00+08:00",
        test="ANC",
        loinc="751-8",
        value="0.42",
        unit="10*9/L",
        range_low="1.80",
        range_high="6.30",
        observed_at="2026-03-12T07:30:00+08:00",
        specimen="2026-000123",
        laboratory="Hangzhou central laboratory",
    ),
    _event(
        "lab_result",
        "hangzhou-lis|2026-000123-TBIL",
        "2026-03-12T14:00:00+08:00",
        version=2,
        status="corrected",
        loinc="14631-6",
        value="<3.0",
        unit="umol/L",
        range_high="21",
        observed_at="2026-03-12T07:30:00+08:00",
    ),
    _event(
        "vital_sign",
        "ward-monitor|7781",
        "2026-03-12T08:02:00+08:00",
        test="OXYSAT",
        loinc="59408-5",
        value="92",
        unit="%",
        observed_at="2026-03-12T08:01:30+08:00",
        on_oxygen=False,
    ),
    _event(
        "adverse_event",
        "site-edc|AE-001-3",
        "2026-03-11T18:00:00+08:00",
        term="Cytokine release syndrome",
        meddra_code="10052015",
        grade=3,
        onset="2026-03-10T21:00:00+08:00",
        outcome="not-recovered",
        seriousness=["hospitalization"],
        serious=True,
        attribution="probable",
        action_taken="tocilizumab",
        narrative="Fever from the evening of day 8, hypotension in the night.",
        scale_facts={
            "astct_crs": {
                "temperature": {"value": "39.2", "unit": "Cel"},
                "hypotension": "one-vasopressor",
                "hypoxia": "low-flow",
            }
        },
    ),
    _event(
        "screened",
        "site-edc|001-screening",
        "2026-02-18T17:00:00+08:00",
        site="HZ-03",
        consented="2026-02-18",
        protocol_version="1.0",
        sex="female",
        age_years=34,
    ),
    _event("enrolled", "site-edc|001-enrolment", "2026-02-24T10:00:00+08:00", dose_level=2, enrolled="2026-02-24"),
    _event(
        "dose_planned",
        "site-edc|001-plan-1",
        "2026-02-24T10:05:00+08:00",
        role="infusion",
        treatment="anti-CD19 CAR-NK",
        number=1,
        planned="2026-03-02",
        amount="3000000",
        unit="cells/kg",
    ),
    _event(
        "dose_given",
        "site-edc|001-infusion-1",
        "2026-03-02T11:40:00+08:00",
        role="infusion",
        treatment="anti-CD19 CAR-NK",
        number=1,
        given="2026-03-02T10:45:00+08:00",
        amount="2950000",
        unit="cells/kg",
    ),
    _event(
        "fact_recorded",
        "site-edc|001-anticoagulant",
        "2026-02-18T17:10:00+08:00",
        name="on_anticoagulant",
        value=False,
        observed_at="2026-02-18",
    ),
    _event(
        "withdrawn",
        "site-edc|001-end",
        "2026-04-20T09:00:00+08:00",
        from_what="treatment",
        reason="wish of the subject",
        withdrawn="2026-04-19",
    ),
    _event("completed", "site-edc|001-end", "2027-03-02T09:00:00+08:00", completed="2027-03-01"),
    _event(
        "adjudicated",
        "safety-committee|2026-7",
        "2026-03-13T16:00:00+08:00",
        finding="F-ABCDEFGHIJKLMNOP",
        verdict="confirmed",
        by="safety review committee",
        why="Grade 3 for more than 72 hours in spite of tocilizumab; no other cause.",
        decided_at="2026-03-13T15:30:00+08:00",
    ),
    _event(
        "acknowledged",
        "alert-desk|55",
        "2026-03-12T09:41:00+08:00",
        alert="AL-ABCDEFGH",
        revision=1,
        by="investigator on call",
        response="will-act",
        acknowledged_at="2026-03-12T09:41:00+08:00",
    ),
    {"kind": "clock_ticked", "as_of": "2026-03-30T00:00:00Z"},
)
