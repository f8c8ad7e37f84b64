"""The catalogue in its table: complete, refused with file and line where it is wrong, open to new kinds."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import alerts_made as made
import pytest

from safety_stream.alerting import entries
from safety_stream.alerting.alert import Alert
from safety_stream.alerting.letter import letter
from safety_stream.alerting.load import read_catalogue
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder
from safety_stream.errors import ConfigurationError

FOLDER = bundled_folder("alert_templates")
TEXT = (FOLDER / "catalogue.yaml").read_text(encoding="utf-8")
NEW = """
  - type: pregnancy
    urgency: warning
    one_alert_for: subject
    answer_within: 24 h
    levels: [[safety_physician], [medical_monitor]]
    title: {en: pregnancy of a subject, zh: 受试者妊娠}
    action: {en: Stop study treatment and follow the pregnancy to its outcome., zh: 停止研究治疗，并随访妊娠至结局。}
"""


def test_a_new_kind_of_alert_is_one_entry_and_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is touched: the alert is valid, its letter is written, text and HTML are rendered."""
    folder = tmp_path / "alert_templates"
    shutil.copytree(FOLDER, folder)
    (folder / "catalogue.yaml").write_text(TEXT + NEW, encoding="utf-8")
    shutil.copytree(folder / "watch_limit", folder / "pregnancy")
    told = made.one_of_each()[0].model_dump(mode="json") | {"type": "pregnancy", "case": "", "urgency": "warning"}
    with pytest.raises(ValueError, match="no such type of alert: pregnancy"):
        Alert.model_validate(told)

    added = read_catalogue(folder)["pregnancy", ""]
    monkeypatch.setitem(entries.CATALOGUE, ("pregnancy", ""), added)
    alert = Alert.model_validate(told)
    mail = Templates(folder).render(letter(alert, made.STANDING))
    assert added.answer_within == timedelta(hours=24)
    assert mail.subject.startswith("[WARNING] CAR-NK-SLE-01: pregnancy of a subject, AL-")
    assert "WHAT TO DO: Stop study treatment and follow the pregnancy to its outcome." in mail.text


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("answer_within: 15 min", "answer_within: soon", "expected a time such as 15 min or 4 h"),
        ("urgency: critical", "urgency: terrible", "input should be 'critical', 'warning' or 'info'"),
        ("[[safety_physician, safety_physician_backup,", "[[janitor,", "levels > 0 > 0: input should be 'safety_phy"),
        ("title: {en: fatal event, zh: 死亡事件}", "title: {en: fatal event}", "title > zh: field required"),
        ("title: {en: fatal event, zh: 死亡事件}", "title: {en: fatal event, zh: fatal}", "title > zh: string should"),
        ("one_alert_for: event", "one_for: event", "one_alert_for: field required"),
    ],
)
def test_a_wrong_entry_is_named_with_file_and_line(tmp_path: Path, was: str, now: str, says: str) -> None:
    """The first entry, broken in one place: file, line, where and what."""
    (tmp_path / "catalogue.yaml").write_text(TEXT.replace(was, now, 1), encoding="utf-8")
    line = TEXT[: TEXT.index(was)].count("\n") + 1
    with pytest.raises(ConfigurationError) as refused:
        read_catalogue(tmp_path)
    told = "\n".join(refused.value.problems)
    assert says in told
    numbers = [int(found) for found in re.findall(r"catalogue\.yaml:(\d+): alerts > 0", told)]
    assert any(abs(number - line) <= 4 for number in numbers), told


def test_an_entry_that_stands_twice_and_a_file_that_is_none_are_refused(tmp_path: Path) -> None:
    """Two entries of one type and case contradict each other; no file, no YAML, no list: a sentence each."""
    (tmp_path / "catalogue.yaml").write_text(TEXT + NEW + NEW, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="pregnancy : again; expected once"):
        read_catalogue(tmp_path)
    for text in ("", "alerts: 7", "alerts: [", "- death"):
        (tmp_path / "catalogue.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"catalogue\.yaml"):
            read_catalogue(tmp_path)
    with pytest.raises(ConfigurationError, match=r"catalogue\.yaml"):
        read_catalogue(tmp_path / "nowhere")


def test_times_and_people_are_those_of_the_specification() -> None:
    """Answer times and the first to be told, type by type, as the specification of alerts lists them."""
    expected = {
        ("lab_grade_4", ""): (15, {"safety_physician"}),
        ("critical_value", ""): (15, {"safety_physician", "site_investigator"}),
        ("death", ""): (15, {"safety_physician", "safety_physician_backup", "medical_monitor", "sponsor_safety"}),
        ("adverse_event_grade_4", ""): (15, {"safety_physician"}),
        ("serious_adverse_event", ""): (30, {"safety_physician", "sponsor_safety"}),
        ("dose_limiting_toxicity", ""): (30, {"safety_physician", "medical_monitor"}),
        ("cohort_decision", "stop"): (30, {"medical_monitor", "dsmb_chair", "sponsor_safety"}),
        ("lab_grade_3", ""): (240, {"safety_physician"}),
        ("grade_jump", ""): (240, {"safety_physician"}),
        ("adverse_event_grade_3_related", ""): (240, {"safety_physician"}),
        ("ungradable", ""): (1440, {"data_manager"}),
    }
    found = {
        key: (entries.entry(*key).answer_within // timedelta(minutes=1), set(entries.entry(*key).levels[0]))
        for key in expected
    }
    assert found == expected
