"""The sentence under WHY in Chinese: it says no more, and nothing surer, than the English one."""

import re
from datetime import date
from typing import Any

import findings_made as made
import pytest

from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.why import PARTS, key_of, why
from safety_stream.clinical.conclusion import GradeRange
from safety_stream.clinical.findings import AnyFinding
from safety_stream.clinical.findings_reported import DoseLimitingToxicity, RuleMet
from safety_stream.clinical.findings_subject import CriterionState, EligibilityStatus, Unobserved

EN, ZH = (read_words()[language] for language in ("en", "zh"))


def dlt(state: str, *, met: bool = True, open_: tuple[str, ...] = ()) -> DoseLimitingToxicity:
    """One event and one rule, in a state."""
    rule = RuleMet(rule="crs-grade-3", text="CRS of grade 3 for more than 72 h", met=met, open=open_, comparison="3")
    decided = {"adjudicated_by": "Dr. Li"} if state in {"confirmed", "refuted"} else {}
    return made.dose_limiting_toxicity(state=state, rules=(rule,), **decided)


def check(**more: Any) -> EligibilityStatus:
    """The check before infusion 2: one criterion met, one broken, one open."""
    criteria = (
        CriterionState(criterion="hemoglobin", text="Hb", verdict="met"),
        CriterionState(criterion="platelets", text="Plt", verdict="breached"),
        CriterionState(criterion="lvef", text="LVEF", verdict="undetermined"),
    )
    told = {
        "id": "F-1", "study": made.STUDY, "subject": made.SUBJECT, "evidence": made.evidence(), "infusion": 2,
        "check": "before_infusion", "state": "hold", "enrolled": True, "given": False, "criteria": criteria,
    }  # fmt: skip
    return EligibilityStatus.model_validate(told | more)


def missed() -> Unobserved:
    """A visit without two of its results."""
    return Unobserved.model_validate(
        {"id": "F-1", "study": made.STUDY, "subject": made.SUBJECT, "evidence": made.evidence(), "state": "open",
         "what": "missing_results", "name": "day-14", "text": "Visit day-14", "source": "example", "until": None,
         "since": made.AS_OF, "hours": None, "limit": "2026-03-15 to 2026-03-17", "missing": ("ALT", "AST")}
    )  # fmt: skip


# What the sentence must say, and what it must not: each line a claim of its own, written by hand.
CLAIMS: list[tuple[str, AnyFinding, tuple[str, ...], tuple[str, ...]]] = [
    ("possible", dlt("possible", met=False, open_=("duration", "grade")),
     ("可能符合 DLT 规则 crs-grade-3", "尚未确定：持续时间，分级", "2026-03-02", "2026-04-13"),
     ("须由人裁定", "已裁定")),
    ("candidate", dlt("candidate"), (" 级，符合 DLT 规则 crs-grade-3", "须由人裁定"), ("可能符合", "已裁定")),
    ("confirmed", dlt("confirmed"),
     ("，符合 DLT 规则", "Dr. Li 已裁定：确认为 DLT"), ("须由人裁定", "不是 DLT", "可能符合")),
    ("confirmed, though only possible", dlt("confirmed", met=False, open_=("duration",)),
     ("可能符合 DLT 规则", "已裁定：确认为 DLT"), ("不是 DLT",)),
    ("refuted", dlt("refuted"), ("Dr. Li 已裁定：不是 DLT",), ("须由人裁定", "确认为 DLT")),
    ("refuted, though only possible", dlt("refuted", met=False, open_=("duration",)),
     ("可能符合 DLT 规则", "不是 DLT"), ("确认为 DLT",)),
    ("grade not decided", made.toxicity(4, peak=GradeRange(lowest=3, highest=4)), ("3 至 4 级（未定）",), ()),
    ("no grade", made.reported_event(grade=None, supported=GradeRange(lowest=1, highest=4), attribution="unknown"),
     ("研究者未给出分级", "1 至 4 级（未定）", "与研究治疗的关系：未知"), ("未给出 级", "None")),
    ("graded", made.reported_event(grade=3, attribution="possible", outcome="not-recovered"),
     ("3 级（研究者报告）", "可能有关", "未恢复"), ("未给出分级",)),
    ("criterion not met", made.eligibility_breach(),
     ("Platelets at least 50 10*9/L", "44 10*9/L", "不符合"), ("暂无法",)),
    ("criterion open", made.eligibility_breach(verdict="undetermined"), ("暂无法判定",), ("：不符合",)),
    ("limit crossed", made.watch_limit(), ("超出方案限值", "不是 CTCAE 分级"), ("无法判定",)),
    ("limit open", made.watch_limit(verdict="undetermined"),
     ("无法判定是否超出", "不是 CTCAE 分级"), ("超出方案限值",)),
    ("check", check(), ("第 2 次输注前", "暂停", "3 项中 1 项符合", "platelets", "未定项：lvef"), ("核查完成前暂停",)),
    ("check wanted", check(needed_by=date(2026, 3, 9)),
     ("核查完成前暂停", "2026-03-09", "未定项：lvef"), ("始终未完成",)),
    ("check never answered", check(given=True, unanswered_by=date(2026, 3, 9)),
     ("核查始终未完成", "已于 2026-03-09 输注"), ("核查完成前暂停",)),
    ("advice", made.cohort_decision(), ("仅为建议，由安全审查委员会决定",), ("不再有该计数支持",)),
    ("advice lost", made.cohort_decision(no_longer_supported=True), ("不再有该计数支持", "仅为建议"), ()),
    ("planned too soon", made.stagger_breach(infusion="planned"), ("计划于", "最早"), ("已于",)),
    ("given too soon", made.stagger_breach(infusion="given"), ("已于",), ("计划于",)),
    ("visit missed", missed(), ("day-14", "ALT, AST", "2026-03-15"), ("无观察时长",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "finding", "says", "not_"), CLAIMS, ids=[one[0] for one in CLAIMS])
def test_what_is_possible_open_or_decided_is_said_so(
    name: str, finding: AnyFinding, says: tuple[str, ...], not_: tuple[str, ...]
) -> None:
    """Possible is never said like met, open never like decided, advice never like an order."""
    told = why(finding, ZH)
    assert [word for word in says if word not in told] == [], told
    assert [word for word in not_ if word in told] == [], told


def test_each_state_of_a_dlt_has_its_own_sentence() -> None:
    """Four states, four sentences."""
    assert len({why(dlt(state), ZH) for state in ("possible", "candidate", "confirmed", "refuted")}) == 4


def test_every_sentence_can_be_filled_and_every_case_has_one() -> None:
    """A place that no part fills, or a case without words, would be found by a physician first."""
    keys = {key_of(one) for _, one, _, _ in CLAIMS}
    others = {"data_query", "composite", "reporting_due", "study_tally", "unobserved.blind_time"}
    assert keys | others == set(ZH.why)
    for _, finding, _, _ in CLAIMS:
        places = set(re.findall(r"{(\w+)}", ZH.why[key_of(finding)]))
        assert places - {"comparison"} <= set(PARTS[type(finding)](finding))


def test_english_is_the_sentence_of_the_evidence() -> None:
    """Nothing is built anew."""
    finding = dlt("possible", met=False, open_=("duration",))
    assert why(finding, EN) == finding.evidence.sentence
