"""What a reader gets: the same facts twice, in order, small, without anything fetched from anywhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.alert import TYPES
from safety_stream.alerting.catalogue import CATALOGUE, REASONS
from safety_stream.alerting.endings import WITHDRAWN, WORDS
from safety_stream.alerting.letter import Letter, Standing, letter
from safety_stream.alerting.policy import revise
from safety_stream.alerting.render import LARGEST, Templates, plain
from safety_stream.alerting.render_folder import escapes
from safety_stream.bundled import bundled_folder
from safety_stream.errors import ConfigurationError

FOLDER = bundled_folder("alert_templates")
TEMPLATES = Templates(FOLDER)
LETTERS = made.letters()
IDS = [f"{one.type}-{one.case}-{one.revision}" for one in LETTERS]


class Seen(HTMLParser):
    """What a browser would show, and every address it would be given."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note the tag and what it points to."""
        self.tags.append(tag)
        self._hidden += tag in {"style", "title"}
        self.addresses += [value or "" for name, value in attributes if name in {"href", "src", "background", "srcset"}]

    def handle_endtag(self, tag: str) -> None:
        """Leave what is not shown."""
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        """Note what is shown."""
        if not self._hidden:
            self.words += data.split()


def seen(html: str) -> Seen:
    """The HTML as a browser reads it."""
    reader = Seen()
    reader.feed(html)
    return reader


def facts(one: Letter) -> list[str]:
    """Everything a reader must find."""
    pairs = [*one.who, *one.facts, *one.basis]
    told = [one.study, one.headline, one.action, one.why, one.is_not, one.id, *one.changes, *one.remarks]
    told += [part for pair in pairs for part in pair] + [cell for row in one.readings for cell in row]
    told += one.more_actions
    if not one.over:
        told += [one.answer_by, one.next_in_line]
    return [" ".join(part.split()) for part in told if part]


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_text_and_html_tell_every_fact(one: Letter) -> None:
    """Each fact of the letter stands in the text and in the visible part of the HTML."""
    mail = TEMPLATES.render(one)
    text, html = " ".join(mail.text.split()), " ".join(seen(mail.html).words)
    assert [fact for fact in facts(one) if fact not in text] == []
    assert [fact for fact in facts(one) if fact not in html] == []


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_a_mail_is_small_and_fetches_nothing(one: Letter) -> None:
    """At most 60 kB, no image, no script, no form, nothing from any server, and no link but the answer's."""
    mail = TEMPLATES.render(one)
    reader = seen(mail.html)
    assert len(mail.text.encode()) + len(mail.html.encode()) <= LARGEST
    assert reader.addresses == ([one.answer_link] if one.answer_link else [])
    assert not {"img", "script", "link", "form", "iframe", "object", "svg", "video"} & set(reader.tags)
    assert "url(" not in mail.html
    assert "http" not in re.sub(r"<meta[^>]*>", "", mail.html).replace(one.answer_link or "http", "")


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_a_mail_opens_with_what_a_reader_needs_in_ten_seconds(one: Letter) -> None:
    """Urgency, headline, subject, deadline, action, in this order, before any table."""
    text = TEMPLATES.render(one).text
    order = [one.urgency.upper(), one.headline, *(f"{label}: {value}" for label, value in one.who)]
    order += [] if one.over else [one.answer_by]
    order += [one.action, "\nFACTS"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert len(text[: text.index("\nFACTS")]) < 1500


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_the_subject_line_tells_no_subject_and_no_value(one: Letter) -> None:
    """Urgency or how it ended, study, kind and id, and nothing that identifies or measures anybody."""
    subject = TEMPLATES.render(one).subject
    words = "|".join(("CRITICAL", "WARNING", "INFO", WITHDRAWN, *WORDS.values()))
    assert re.fullmatch(rf"\[({words})\] [\w-]+: [\w +-]+, AL-[A-Z2-7]{{8}}", subject), subject
    measured = [value for _, value in one.facts if re.search(r"\d", value) and len(value) > 3]
    values = [findings_made.SUBJECT, findings_made.SITE, *measured]
    assert [value for value in values if value in subject] == []


def test_the_subject_line_says_at_once_whether_an_alert_still_stands() -> None:
    """Raised: its urgency; taken back, though a possible repeat and late: WITHDRAWN. All else is one, so one thread.

    What stands in brackets at the beginning is no part of a thread's base subject (RFC 5256, 2.1).
    """
    first = TEMPLATES.render(letter(made.one_of_each()[0], made.STANDING)).subject
    last = TEMPLATES.render(LETTERS[-1]).subject
    assert (first.split("] ")[0], last.split("] ")[0]) == ("[CRITICAL", "[WITHDRAWN")
    assert first.split("] ")[1] == last.split("] ")[1]


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_a_notice_tells_only_that_there_is_an_alert(one: Letter) -> None:
    """Where the mail path is in the open: urgency, study, id and deadline, no clinical word."""
    notice = replace(one, detail="notice", title="safety alert")
    mail = TEMPLATES.render(notice)
    values = (value for _, value in (*one.who, *one.facts) if len(value) > 2 and value not in one.answer_by)
    clinical = [one.headline, one.why, *values]
    everything = mail.subject + mail.text + mail.html
    assert [fact for fact in clinical if fact and fact in everything] == []
    assert one.id in mail.text
    assert one.answer_by in mail.text


def test_the_text_of_a_grade_4_alert_word_for_word() -> None:
    """The whole text, so that a lost blank line or a lost word is seen."""
    expected = (Path(__file__).parent / "lab_grade_4.txt").read_text(encoding="utf-8")
    assert TEMPLATES.render(LETTERS[0]).text == expected


def test_what_changed_is_told_fact_by_fact() -> None:
    """A corrected value: the old one and the new one side by side."""
    before, now = made.sent(findings_made.toxicity(4)), made.sent(findings_made.toxicity(4, "0.24"))
    changes = letter(now, Standing(answer_by=findings_made.AS_OF, told_before=before)).changes
    assert "Result: was 0.42 10*9/L; now 0.24 10*9/L" in changes


def test_a_deadline_is_told_by_the_readers_clock() -> None:
    """01:45 UTC is 09:45 in Shanghai: both stand in the mail, the reader's own first."""
    standing = replace(made.STANDING, zone=ZoneInfo("Asia/Shanghai"))
    told = letter(made.one_of_each()[0], standing)
    assert told.answer_by == "2026-03-12 09:45 +08:00 (2026-03-12 01:45 UTC), within 15 min"


def test_a_withdrawal_says_that_its_facts_are_those_last_told() -> None:
    """When nothing remains of a finding, its old facts are not shown as if they stood."""
    alerts = revise(findings_made.withdrawn(findings_made.reported_event()))
    gone = next(alert for alert in alerts if alert.type == "serious_adverse_event")
    mail = TEMPLATES.render(letter(gone, made.STANDING))
    assert "FACTS AS LAST TOLD" in mail.text
    assert "FACTS AS LAST TOLD" in mail.html


def test_every_type_has_its_entry_and_its_templates() -> None:
    """A type without an entry or a template would fail when somebody's life hangs on it."""
    assert {type_ for type_, _ in CATALOGUE} == set(TYPES)
    assert {place.name for place in FOLDER.iterdir() if place.is_dir() and place.name != "_layout"} >= set(TYPES)
    assert all(words for words in REASONS.values())


def test_no_template_switches_escaping_off() -> None:
    """No ``safe``, no ``autoescape false``, no Markup: what strangers wrote is never markup."""
    for template in FOLDER.rglob("*.j2"):
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*(safe|tojson)|autoescape|Markup|\{%-?\s*(call|import|from)\b", source), template


def test_html_templates_are_escaped_whatever_their_last_ending() -> None:
    """jinja's own rule looks at the last ending and would not escape body.html.j2."""
    assert escapes("lab_grade_4/body.html.j2")
    assert not escapes("lab_grade_4/body.txt.j2")
    assert escapes(None)


def test_every_broken_template_is_named_at_once(tmp_path: Path) -> None:
    """Opening an empty folder lists all 24 missing templates."""
    with pytest.raises(ConfigurationError) as refused:
        Templates(tmp_path)
    assert len(refused.value.problems) == 3 * len(TYPES)


def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path: Path) -> None:
    """A trial's own template that tries to reach Python's insides fails instead of running."""
    for kind in TYPES:
        (tmp_path / kind).mkdir()
        for part in ("subject.txt.j2", "body.txt.j2", "body.html.j2"):
            (tmp_path / kind / part).write_text("{{ letter.__class__.__mro__ }}")
    with pytest.raises(Exception, match="unsafe"):
        Templates(tmp_path).render(LETTERS[0])


@pytest.mark.parametrize("one", LETTERS, ids=IDS)
def test_a_plain_letter_still_tells_the_facts(one: Letter) -> None:
    """The day a template fails the reader still gets headline, deadline and every fact, under the same subject."""
    mail = plain(one)
    assert mail.subject == TEMPLATES.render(one).subject
    text = " ".join(mail.text.split())
    needed = [one.headline, one.action, *one.remarks, *(value for _, value in (*one.who, *one.facts, *one.basis))]
    assert [fact for fact in needed if " ".join(fact.split()) not in text] == []
