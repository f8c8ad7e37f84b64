"""Whatever strangers write into a term, a value or a reason: no extra header, no raw tag, no forged line."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import SMTP

import alerts_made as made
import findings_made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Message
from safety_stream.alerting.channels.mime import compose
from safety_stream.alerting.cleaning import VALUE_LENGTH, clean
from safety_stream.alerting.letter import letter
from safety_stream.alerting.render import Rendered, Templates
from safety_stream.bundled import bundled_folder
from safety_stream.clinical.conclusion import Input

TEMPLATES = Templates(bundled_folder("alert_templates"))
SENDER = Address("", "safety-stream", "example.org")
LINK = "https://alerts.example.org/ack?t=signed"
READER = Address("Dr Lee", "lee", "example.org")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Thread-Topic", "Thread-Index",
    "Auto-Submitted", "X-Auto-Response-Suppress", "Importance", "X-Priority", "X-Safety-Stream-Alert",
    "X-Safety-Stream-Revision", "MIME-Version", "Content-Type",
}  # fmt: skip

nasty = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=st.sampled_from("\r\n\t\v\f\x00\x85\u2028\u2029\u202e\u200b\ufeff<>&\"'{}%|:,;@ab"), max_size=300),
    st.sampled_from(
        [
            "x\r\nBcc: eve@example.org",
            "x\nACKNOWLEDGED BY: Dr Lee",
            "x\r\n\r\n--boundary\r\nContent-Type: text/html\r\n\r\n<b>",
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            '"><a href="https://evil.example">click</a>',
            "{{ letter.__class__ }}{% for x in range(9) %}x{% endfor %}",
            "\u202eGRADE 0\u202c",
            "WHY\nnothing",
            "=?utf-8?q?Bcc=3A_eve?=",
            "z" * 5000,
            "e" + "\u0301" * 500,
        ]
    ),
)
words = nasty.filter(lambda text: bool(clean(text)))


def hostile(text: str, finding: str) -> Alert:
    """An alert whose every foreign value is the text."""
    told = Input(name="measured", value=text, unit=text, source=text)
    evidence = findings_made.evidence(sentence=text).model_copy(update={"inputs": (told,), "reasons": (text,)})
    if finding == "event":
        return made.sent(
            findings_made.reported_event(
                term=text, subject=text, site=text, outcome=text, attribution=text, evidence=evidence
            )
        )
    if finding == "query":
        return made.sent(
            findings_made.data_query(
                about=text, found=text, expected=text, sources=(text, text), subject=text, evidence=evidence
            )
        )
    return made.sent(findings_made.toxicity(4, text, subject=text, site=text, evidence=evidence))


def skeleton(text: str) -> list[str]:
    """The lines of a text without what follows their label, and without the id, which depends on the subject."""
    known = re.sub(r"AL-[A-Z2-7]{8}", "AL", text)
    return [re.split("[:：]", line, maxsplit=1)[0] for line in known.splitlines()]


STANDINGS = {language: replace(made.STANDING, language=language, answer_link=LINK) for language in ("en", "zh")}
HARMLESS = {
    (kind, language): TEMPLATES.render(letter(hostile("harmless", kind), standing))
    for kind in ("event", "query", "toxicity")
    for language, standing in STANDINGS.items()
}
kinds = st.sampled_from(["event", "query", "toxicity"])
languages = st.sampled_from(["en", "zh"])


def check_mail(text: str, finding: str, language: str) -> Rendered:
    """Against the same alert with a harmless value: same tags, same subject, the same text lines with our words."""
    mail, plain = TEMPLATES.render(letter(hostile(text, finding), STANDINGS[language])), HARMLESS[finding, language]

    assert skeleton(mail.text) == skeleton(plain.text)
    assert "\r" not in mail.text
    assert re.findall(r"<[a-zA-Z/!]+", mail.html) == re.findall(r"<[a-zA-Z/!]+", plain.html)
    assert re.findall(r'<a [^>]*href="([^"]*)"', mail.html) == [LINK]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", mail.text)
    assert re.sub("AL-[A-Z2-7]{8}", "", mail.subject) == re.sub("AL-[A-Z2-7]{8}", "", plain.subject)

    return mail


def check_headers(mail: Rendered) -> None:
    """The mail as it goes out: no header, no part and no recipient but ours."""
    message = Message(READER, "AL-AAAAAAAA", 1, "lab_grade_4", "critical", mail.subject, mail.text, mail.html)
    raw = compose(message, SENDER, findings_made.AS_OF)
    read = message_from_bytes(raw, policy=SMTP)
    assert set(read.keys()) <= HEADERS
    assert len(read.keys()) == len(set(read.keys()))
    assert str(read["To"]) == "Dr Lee <lee@example.org>"
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@settings(max_examples=2000, deadline=None)
@given(words, kinds)
def test_no_value_adds_a_tag_or_a_line(text: str, finding: str) -> None:
    """Each line of the text opens with one of our labels; tags and the one link are ours."""
    check_mail(text, finding, "en")


@settings(max_examples=200, deadline=None)
@given(words, kinds, languages)
def test_no_value_adds_a_header_in_any_language(text: str, finding: str, language: str) -> None:
    """The same in Chinese too, and down to the bytes that go out."""
    check_headers(check_mail(text, finding, language))


@pytest.mark.long
@pytest.mark.timeout(1800)  # ten minutes on a slow machine
@settings(max_examples=20_000, deadline=None)
@given(words, kinds, languages)
def test_none_of_twenty_thousand_values_does(text: str, finding: str, language: str) -> None:
    """The same for twenty thousand of them."""
    check_headers(check_mail(text, finding, language))


@settings(max_examples=500, deadline=None)
@given(nasty)
def test_cleaning_is_final(text: str) -> None:
    """One line of at most 200 visible characters, and cleaning it again changes nothing."""
    cleaned = clean(text)
    assert len(cleaned) <= VALUE_LENGTH
    assert "\n" not in cleaned
    assert cleaned == cleaned.strip()
    assert clean(cleaned) == cleaned


def test_cleaning_keeps_what_clinicians_write() -> None:
    """Greek, Chinese, the micro sign, comparators and umlauts survive; hidden controls and piles of marks do not."""
    assert clean("Müller, 肝功能, β-HCG < 5 µg/L ≥ 2×") == "Müller, 肝功能, β-HCG < 5 µg/L ≥ 2×"
    assert clean("a\u202eb\u200bc\x00d\r\n e") == "abcd e"
    assert clean("e" + "\u0301" * 9) == "e" + "\u0301" * 3
