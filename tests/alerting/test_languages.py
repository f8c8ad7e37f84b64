"""English and Chinese: the same facts, with the same figures, and no English label left in a Chinese mail."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import Letter, letter
from safety_stream.alerting.load_words import read_words
from safety_stream.alerting.render import Templates
from safety_stream.alerting.words import outside_brackets
from safety_stream.bundled import bundled_folder
from safety_stream.clinical.queries import CODES
from safety_stream.errors import ConfigurationError
from safety_stream.rulebook.load import load_book

FOLDER = bundled_folder("alert_templates")
TEMPLATES = Templates(FOLDER)
ZH = read_words()["zh"]
ALERTS = (*made.one_of_each(), made.withdrawal(), *made.overtaken(), *made.counted())
IDS = [f"{one.type}-{one.case}-{one.state}-{one.decision.reason}" for one in ALERTS]
FIGURE = re.compile(r"\d+(?:\.\d+)?")
# What stays as it is told: names, codes, ids, units, the terms and analytes in brackets, a protocol's own text.
TOLD = re.compile(
    r"（[^）]*[A-Za-z][^）]*）|AL-\w+|F-\w+|https?://\S+|SUBJ-\w+|HZ-\w+|CAR-NK-SLE-01|[\w-]+\|[\w-]+ v\d|lab_result|"
    r"ctcae-5\.0/[A-Za-z ]+|dlt/[\w-]+|eligibility/\w+|watch/[A-Z]+|data/\w+|ae-report|crs-grade-3|safety\.labs|"
    r"safety_stream|not_json|partition|offset|CTCAE|SAE|DLT|DSMB|SUSAR|ALP|INR|ASTCT|CRS|LLN|ULN|UTC|MTD|"
    r"mm\[Hg\]|10\*9/L|g/L|mmol/L|Cel"
)
ENGLISH = re.compile(r"[A-Za-z]{3,}")


def both(alert: Alert) -> tuple[Letter, Letter]:
    """The alert in English and in Chinese."""
    standing = replace(made.STANDING, told_before=made.one_of_each()[0] if alert.state == "withdrawn" else None)
    return letter(alert, standing), letter(alert, replace(standing, language="zh"))


def figures(text: str) -> Counter[str]:
    """The numbers of a text."""
    return Counter(FIGURE.findall(text))


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_both_languages_tell_the_same_facts(alert: Alert) -> None:
    """The same number of facts in the same order, each with the same figures; headline, deadline and results too."""
    en, zh = both(alert)
    for one, other in ((en.who, zh.who), (en.facts, zh.facts), (en.basis, zh.basis)):
        assert [figures(value) for _, value in one] == [figures(value) for _, value in other]
    assert figures(en.headline) == figures(zh.headline)
    assert figures(en.answer_by) == figures(zh.answer_by)
    assert [figures(" ".join(row)) for row in en.readings] == [figures(" ".join(row)) for row in zh.readings]
    assert [figures(one) for one in en.changes] == [figures(one) for one in zh.changes]
    assert len(en.more_actions) == len(zh.more_actions)
    assert bool(en.why) == bool(zh.why)
    assert bool(en.next_in_line) == bool(zh.next_in_line)


@pytest.mark.parametrize("alert", ALERTS, ids=IDS)
def test_no_english_label_is_left_in_a_chinese_mail(alert: Alert) -> None:
    """Every label, and every line of the text but for what a sender or the protocol wrote."""
    _, zh = both(alert)
    labels = [label for label, _ in (*zh.who, *zh.facts, *zh.basis)]
    assert [label for label in labels if not re.search(r"[\u4e00-\u9fff]", label)] == []
    ours = [zh.title, zh.answer_by, zh.action, zh.next_in_line, zh.is_not, *zh.more_actions, *zh.remarks]
    assert [one for one in ours if ENGLISH.search(TOLD.sub("", one))] == []


def test_a_chinese_grade_4_alert_says_what_a_physician_must_know() -> None:
    """Term with its official English name, grade and value, deadline by the reader's clock, the reason."""
    _, zh = both(ALERTS[0])
    assert zh.headline == "中性粒细胞计数降低（Neutrophil count decreased），4 级：0.42 10*9/L"
    assert zh.why == (
        "中性粒细胞计数降低（Neutrophil count decreased）：CTCAE v5.0，4 级。判定依据：0.42 10*9/L < 0.5 10*9/L。"
    )
    mail = TEMPLATES.render(zh)
    assert mail.subject == "[危急] CAR-NK-SLE-01: 4 级实验室检查异常, AL-7PZCNHNB"
    assert '<html lang="zh-CN">' in mail.html


def test_every_computable_term_has_its_chinese_name() -> None:
    """All terms that the rulebook can grade."""
    book = load_book(allow_unsigned=True)
    terms = {rule.term for analyte in book.analytes for rule in book.rules(analyte)}
    assert len(terms) > 50
    assert sorted(terms - set(ZH.terms)) == []


def test_every_word_of_the_other_scales_is_said_in_chinese() -> None:
    """What is looked at, and what each of its levels says: no word of four letters but units and devices is left."""
    left = re.compile(r"[A-Za-z]{4,}")
    for scale in load_book(allow_unsigned=True).scales.values():
        for domain in scale.domains:
            for level in domain.levels:
                name = "ICE score" if domain.name == "ice_score" else domain.name.replace("_", " ")
                told = ZH.value(f"{name}: {level.says}")
                assert left.findall(told.replace("CPAP", "").replace("BiPAP", "")) == [], told


def test_the_proportions_of_the_study_are_told_in_both_languages() -> None:
    """1 of 3 is 33.3 %, exactly 0.84 to 90.57 % (Clopper-Pearson): the Chinese reason says so too."""
    one = "1 of 3 evaluable with a DLT (33.3 %, 95 % interval 0.84 to 90.57 %)"
    other = "1 to 2 of 3 dosed with an adverse event (33.3 to 66.7 %, 95 % interval 0.84 to 99.16 %)"
    tally = findings_made.study_tally()
    told = tally.model_copy(
        update={"evidence": tally.evidence.model_copy(update={"sentence": f"So far: {one}; {other}."})}
    )
    en, zh = both(made.sent(told))
    assert en.why == f"So far: {one}; {other}."
    assert zh.why == (
        "已入组 10 名，计划 10 名。截至目前："
        "可评价受试者 3 名中 1 名发生 DLT（33.3 %，95 % 置信区间 0.84 至 90.57 %）；"
        "已给药受试者 3 名中 1 至 2 名发生不良事件（33.3 至 66.7 %，95 % 置信区间 0.84 至 99.16 %）。"
    )
    assert dict(en.facts)["Primary outcomes"] == en.why.rstrip(".")


def test_every_question_about_the_data_has_its_chinese_words() -> None:
    """The closed list of questions, each with its code beside it."""
    assert [code for code in CODES if f"（{code}）" not in ZH.value(code)] == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("3 to 4 (not decided)", "3 至 4（未定）"),
        ("grade 3 at >= 0.5 10*9/L; grade 1 at > 1.5 10*9/L", ">= 0.5 10*9/L 时为 3 级；> 1.5 10*9/L 时为 1 级"),
        ("serious (death, hospitalization)", "严重（死亡，住院或住院时间延长）"),
        ("G5: no ULN is known", "G5：ULN 未知"),
        ("due 2026-03-12 10:00 UTC", "截止 2026-03-12 10:00 UTC"),
        ("Infusion 2, given: UNDETERMINED", "第 2 次输注（已给予）：未定"),
        ("Infusion 3, given: HOLD: not met: alt, ast", "第 3 次输注（已给予）：暂停：不符合：alt，ast"),
        ("Subject dosed, NOT ELIGIBLE: not met: alt, ast", "受试者已给药，不合格：不符合：alt, ast"),
        (
            "Dose level 2: first infusion planned for 2026-03-09: 7 d after the first of the level, 14 d required",
            "剂量水平 2：首次输注计划于 2026-03-09：与该剂量水平首例相隔 7 天，要求 14 天",
        ),
        (
            "Dose level 1: STOP and go down a level: 2 of 2 evaluable subjects with a DLT",
            "剂量水平 1：停止，并降低一个剂量水平：可评价受试者 2 名中 2 名发生 DLT",
        ),
        ("stop: of the 4 not decided, 2 to 4 with a DLT", "停止：未定的 4 名中，2 至 4 名发生 DLT"),
        (
            "ASTCT 2019 CRS: grade 3 to 4 (not decided): hypoxia: nasal cannula up to 6 L/min, or blow-by",
            "ASTCT 2019 CRS：3 至 4 级（未定）：低氧：鼻导管吸氧至 6 L/min，或面部吹氧",
        ),
        ("Any other event of grade 4", "Any other event of grade 4"),
        ("grade", "grade"),
        ("", ""),
        ("{what}", "{what}"),
    ],
)
def test_a_value_is_said_phrase_by_phrase(told: str, said: str) -> None:
    """What the table knows is said; what it does not know stays as it was told."""
    assert ZH.value(told) == said


def test_a_list_is_divided_outside_its_brackets_only() -> None:
    """A comma inside brackets belongs to its part."""
    assert outside_brackets("a (b, c), d", ", ") == ["a (b, c)", "d"]


def test_a_state_and_an_attribution_are_not_the_same_word() -> None:
    """ "possible" is "可能" of a DLT and "可能有关" of an attribution."""
    assert ZH.value("possible", "State") == "可能"
    assert ZH.value("possible", "Attribution") == "可能有关"


def test_a_word_without_its_other_language_does_not_load(tmp_path: Path) -> None:
    """A missing or English "zh" is named with its file and line."""
    text = (FOLDER / "words.yaml").read_text(encoding="utf-8")
    broken = text.replace('zh: "答复期限"', 'zh: "ANSWER BY"').replace(
        'en: "SAFETY ALERT", zh: "安全警报"', 'en: "ALERT"'
    )
    (tmp_path / "words.yaml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_words(tmp_path)
    told = "\n".join(refused.value.problems)
    lines = text.splitlines()
    assert (
        f"words.yaml:{1 + next(n for n, line in enumerate(lines) if 'answer_by' in line)}: layout > answer_by" in told
    )
    assert (
        f"words.yaml:{1 + next(n for n, line in enumerate(lines) if '  alert: ' in line)}: layout > alert > zh" in told
    )


def test_a_safety_board_never_sees_a_subject() -> None:
    """Pooled: no subject, site, value or record, in either language; a dose level keeps all its numbers."""
    for alert in ALERTS:
        for language in ("en", "zh"):
            mail = TEMPLATES.render(letter(alert, replace(made.STANDING, language=language, pooled=True)))
            everything = mail.subject + mail.text + mail.html
            hidden = [findings_made.SUBJECT, findings_made.SITE, "SUBJ-7742", "0.42"]
            assert [one for one in hidden if one in everything] == [], alert.type
    cohort = letter(made.sent(findings_made.cohort_decision("stop", 2)), replace(made.STANDING, pooled=True))
    assert ("Evaluable", "3 of 3 dosed, 4 enrolled") in cohort.facts
