"""Mails that are no alert (who answered, a list, the digest): the same facts in two parts and two languages."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.entries import Language
from safety_stream.alerting.load_answer_words import answer_words
from safety_stream.alerting.notes import (
    BudgetLine,
    Digest,
    Gathered,
    Line,
    Note,
    NotMailed,
    Reader,
    SilenceLine,
    answered_note,
    digest_note,
    storm_note,
)
from safety_stream.alerting.read_back import read_back
from safety_stream.alerting.render_notes import NoteTemplates, plain_note
from safety_stream.bundled import bundled_folder

AT = datetime(2026, 3, 12, 7, tzinfo=UTC)
TEMPLATES = NoteTemplates(bundled_folder("alert_templates"))
GRADE_4 = made.sent(findings_made.toxicity(4))
STOP = made.sent(findings_made.cohort_decision("stop", 2))
HOSTILE = "<script>alert(1)</script>\r\nACKNOWLEDGED BY Dr Evil\u202e"
READER = Reader()


def line(headline: str = "Neutrophil count decreased, grade 3: 0.9") -> Line:
    """An alert in a list."""
    return Line(
        alert="AL-GLRROVR7",
        revision=2,
        type="lab_grade_3",
        urgency="warning",
        subject="SUBJ-0007",
        headline=headline,
        answer_by=AT + timedelta(hours=4),
        level=1,
    )


GATHERED = Gathered(study="CAR-NK-SLE-01", lines=(line(), line()), messages=(1, 2), at=AT)
DIGEST = Digest(
    day="2026-03-12",
    at=AT,
    open=(line(),),
    waiting=1,
    not_mailed=(NotMailed(type="lab_grade_3", why="silenced", count=4),),
    silences=(SilenceLine(study="*", type="lab_grade_3", reason="analyser", by="Dr Lee", until=AT),),
    budget=(BudgetLine(study="CAR-NK-SLE-01", mailed=9, subjects=3, limit=Decimal(2)),),
)


def link(alert: str, revision: int) -> str:
    """A link as the messenger makes them."""
    return f"https://safety.example.org/ack?t={alert}.{revision}"


def notes(reader: Reader) -> dict[str, Note]:
    """One of each."""
    return {
        "answered": answered_note(GRADE_4, "Dr Lee", AT, "[CRITICAL] x", reader),
        "storm": storm_note(GATHERED, link, reader),
        "digest": digest_note(DIGEST, reader),
        "quiet digest": digest_note(
            DIGEST.model_copy(update={"open": (), "waiting": 0, "not_mailed": (), "silences": (), "budget": ()}), reader
        ),
    }


def shown(html: str) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<body")[2]))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["answered", "storm", "digest", "quiet digest"])
def test_text_and_html_tell_the_same(name: str, language: Language) -> None:
    """Every line and every cell of the note is in both parts; the plain form has them too."""
    note = notes(Reader(language))[name]
    mail, plain = TEMPLATES.render(note), plain_note(note)
    told = [note.title, *note.lines, *(cell for sheet in note.sheets for row in sheet.rows for cell in row)]
    for value in told:
        assert value in mail.text
        assert value in shown(mail.html)
        assert value in plain.text
    for _, address in note.links:
        assert all(address in part for part in (mail.text, mail.html, plain.text))


@pytest.mark.parametrize("name", ["answered", "storm", "digest"])
def test_both_languages_tell_the_same_figures(name: str) -> None:
    """The same numbers in the same cells, and Chinese words around them."""
    en, zh = notes(Reader("en"))[name], notes(Reader("zh"))[name]
    figures = re.compile(r"\d+(?:\.\d+)?")
    assert sorted(figures.findall(" ".join(en.lines))) == sorted(figures.findall(" ".join(zh.lines)))
    for one, other in zip(en.sheets, zh.sheets, strict=True):
        assert [[figures.findall(cell) for cell in row] for row in one.rows] == [
            [figures.findall(cell) for cell in row] for row in other.rows
        ]
    assert re.search(r"[\u4e00-\u9fff]", zh.title)


def test_every_word_is_filled_in_the_same_way_in_both_languages() -> None:
    """What stands in braces in English stands in braces in Chinese."""
    places = {name: set(re.findall(r"\{\w+\}", text)) for name, text in answer_words()["en"].items()}
    assert places == {name: set(re.findall(r"\{\w+\}", text)) for name, text in answer_words()["zh"].items()}


@pytest.mark.parametrize("reader", [replace(READER, pooled=True), replace(READER, detail="notice")])
def test_who_must_not_see_a_subject_sees_none_in_a_list(reader: Reader) -> None:
    """Pooled readers and unencrypted mail: neither subject nor value, but every alert with its deadline."""
    for note in (storm_note(GATHERED, link, reader), digest_note(DIGEST, reader)):
        mail = TEMPLATES.render(note)
        assert not any(secret in mail.text + mail.html for secret in ("SUBJ-0007", "0.9", "Neutrophil"))
        assert "AL-GLRROVR7" in mail.text


def test_no_subject_and_no_value_in_any_subject_line() -> None:
    """Subject lines name the study, a number of alerts or a day."""
    for note in notes(READER).values():
        assert not any(secret in note.subject for secret in ("SUBJ", "0.9", "Neutrophil"))


def test_what_a_stranger_wrote_forges_no_line_and_no_tag() -> None:
    """A hostile headline, study, reason and name: no tag in the HTML, no line of its own in the text."""
    hostile = DIGEST.model_copy(
        update={
            "open": (line(HOSTILE),),
            "silences": (SilenceLine(study=HOSTILE, type="*", reason=HOSTILE, by=HOSTILE, until=AT),),
        }
    )
    gathered = GATHERED.model_copy(update={"study": HOSTILE, "lines": (line(HOSTILE),)})
    drawn = (
        digest_note(hostile, READER),
        storm_note(gathered, link, READER),
        answered_note(GRADE_4, HOSTILE, AT, "s", READER),
    )
    for note in drawn:
        mail = TEMPLATES.render(note)
        assert "<script" not in mail.html
        assert not any(one.lstrip().startswith("ACKNOWLEDGED BY") for one in mail.text.splitlines())
        assert note.subject.isprintable()
        assert "\u202e" not in mail.text + mail.html


def test_a_study_over_its_budget_is_said_to_be() -> None:
    """Nine alerts of three subjects in a week, a budget of two: 3.0, over the budget of 2."""
    assert "3.0 (over the budget of 2)" in TEMPLATES.render(digest_note(DIGEST, READER)).text


def test_a_quiet_day_says_that_it_is_quiet() -> None:
    """An empty table is no empty mail."""
    text = TEMPLATES.render(notes(READER)["quiet digest"]).text
    assert "Alerts that wait for an answer or a decision: 0." in text
    assert text.count("None.") == 4


@pytest.mark.parametrize(
    ("told", "given"),
    [("0001", False), ("", False), (GRADE_4.subject or "", True), ((GRADE_4.subject or "")[-4:], True)],
)
def test_the_read_back_of_a_subject(told: str, given: bool) -> None:
    """The last four characters or the whole number, whatever the case and the blanks; nothing else."""
    asked = read_back(GRADE_4)
    if told == (GRADE_4.subject or "")[-4:] or not given:
        assert asked.is_given_by(told) == (given or told == (GRADE_4.subject or "")[-4:])
    assert asked.is_given_by(f" {(GRADE_4.subject or '').lower()} ")


@pytest.mark.parametrize("told", ["2", "dose level 2", "Dose Level 2", "剂量水平2"])
def test_the_read_back_of_a_dose_level(told: str) -> None:
    """Its number, alone or in words."""
    asked = read_back(STOP.model_copy(update={"dose_level": 2}))
    assert (asked.asked, asked.is_given_by(told), asked.is_given_by("3")) == ("dose_level", True, False)


def test_who_sees_no_subject_reads_back_the_id() -> None:
    """The id is in every mail."""
    asked = read_back(GRADE_4, sees_subject=False)
    assert (asked.asked, asked.is_given_by(GRADE_4.id[-4:]), asked.is_given_by((GRADE_4.subject or "")[-4:])) == (
        "id",
        True,
        False,
    )
