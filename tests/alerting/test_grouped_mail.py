"""A mail of several alerts: every fact of each stands in text and HTML, the worst first, each with its own answer."""

import re
from dataclasses import replace

import alerts_made as made
import findings_made
import panels_made
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety_stream.alerting.entries import Language
from safety_stream.alerting.grouping import MOST_IN_A_MAIL
from safety_stream.alerting.letter import Letter, letter
from safety_stream.alerting.render import LARGEST, Templates, plain
from safety_stream.bundled import bundled_folder

TEMPLATES = Templates(bundled_folder("alert_templates"))
STANDING = replace(made.STANDING, answer_link="asked")


def words(text: str) -> str:
    """What is shown, with single blanks."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL).split())


def told(one: Letter) -> list[str]:
    """Everything that a reader must find about one of the alerts."""
    cells = [part for pair in (*one.facts, *one.basis) for part in pair] + [
        part for row in one.readings for part in row
    ]
    asked = [one.contained] if one.contained else [one.answer_by, one.next_in_line]
    return [one.id, one.headline, one.title, one.action, one.why, *one.more_actions, *asked, *cells]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_fact_of_every_alert_is_in_text_and_html(language: Language) -> None:
    """Nothing is left out because it shares a mail; the plain mail of a broken template has it all too."""
    read = panels_made.grouped(replace(STANDING, language=language))
    mail, bare = TEMPLATES.render(read), plain(read)
    html = words(mail.html).replace("&#39;", "'").replace("&gt;", ">").replace("&lt;", "<")
    for one in read.beside:
        assert [fact for fact in told(one) if words(fact) not in words(mail.text)] == []
        assert [fact for fact in told(one) if words(fact) not in html] == []
        assert one.headline in bare.text
        assert all(value in bare.text for _, value in one.facts)


def test_each_alert_that_asks_has_its_own_link_and_no_other_has_one() -> None:
    """Hy's law, the stopping criterion and the DLT candidate are answered; the two results in Hy's law are not."""
    read = panels_made.grouped(STANDING)
    asked = [one.answer_link for one in (read, *read.beside) if not one.contained]
    mail = TEMPLATES.render(read)
    assert re.findall(r'href="([^"]*)"', mail.html) == asked
    assert re.findall(r"https://\S+", mail.text) == asked
    assert len(asked) == 3


def test_a_reader_knows_within_the_first_lines_what_else_the_mail_holds() -> None:
    """Subject, deadline and action of the worst; then one line and one deadline for each of the others; then facts."""
    text = TEMPLATES.render(panels_made.grouped(STANDING)).text
    places = [
        text.index(part) for part in ("Hy's law", "SUBJ-7741", "ANSWER BY", "WHAT TO DO", "ALSO IN THIS MAIL (4)")
    ]
    assert places == sorted(places)
    assert places[-1] < text.index("\nFACTS")


def test_the_largest_mail_is_small_enough() -> None:
    """As many of the longest alerts as a mail may hold stay under 60 kB."""
    long = made.sent(findings_made.toxicity(4))
    mail = TEMPLATES.render(letter(long, STANDING, "full", [(long, STANDING)] * (MOST_IN_A_MAIL - 1)))
    assert len(mail.text.encode()) + len(mail.html.encode()) <= LARGEST


def test_a_notice_names_no_clinical_detail_of_any_alert() -> None:
    """Without encryption: ids, deadlines and links only, of all of them."""
    mail = TEMPLATES.render(panels_made.grouped(STANDING, "notice"))
    for part in (mail.subject, mail.text, words(mail.html), plain(panels_made.grouped(STANDING, "notice")).text):
        assert not re.search(r"SUBJ-7741|900|grade|ALT|Hy's law|HZ-03", part)
    assert all(one.id in mail.text for one in panels_made.ONE_TUBE)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_value_of_an_alert_beside_forges_a_line_or_a_tag(text: str) -> None:
    """A hostile value below the first alert changes neither the tags nor the number of lines of the mail."""

    def mail(value: str) -> tuple[list[str], int]:
        hostile = made.sent(findings_made.toxicity(4, f"x{value}", subject="SUBJ-1", term=f"x{value}"))
        drawn = TEMPLATES.render(letter(panels_made.hys, STANDING, "full", [(hostile, STANDING)]))
        return re.findall(r"<[a-zA-Z/!]+", drawn.html), len(drawn.text.splitlines())

    assert mail(text) == mail("y")
