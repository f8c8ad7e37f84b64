"""Every mail in a real browser: axe-core finds no WCAG A or AA violation, and nothing has to be scrolled sideways."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import alerts_made as made
import panels_made
import pytest
from browser import CHROMIUM, NEEDS_BROWSER, RULES, axe_script

from safety_stream.alerting.entries import Language
from safety_stream.alerting.letter import letter
from safety_stream.alerting.render import Templates
from safety_stream.bundled import bundled_folder

pytestmark = NEEDS_BROWSER

TEMPLATES = Templates(bundled_folder("alert_templates"))
LINK = "https://alerts.example.org/ack?t=eyJhIjoiQUwtWUszMzVUU0IifQ.aVJ3bQ.c2lnbmF0dXJl"


def mails(language: Language) -> dict[str, str]:
    """Every type and case, a withdrawal, a reminder and a notice, by name."""
    standing = replace(made.STANDING, language=language, answer_link=LINK)
    told = {f"{one.type}-{one.case}".strip("-"): letter(one, standing) for one in made.one_of_each()}
    told["withdrawn"] = letter(made.withdrawal(), replace(standing, told_before=made.one_of_each()[0]))
    reminder = replace(standing, reminder=True, level=2, possible_repeat=True, late=True)
    told["reminder"] = letter(made.one_of_each()[0], reminder)
    told["notice"] = letter(made.one_of_each()[0], standing, "notice")
    told["grouped"] = panels_made.grouped(standing)
    told["grouped-notice"] = panels_made.grouped(standing, "notice")
    told["pooled"] = letter(made.one_of_each()[2], replace(standing, pooled=True))
    return {name: TEMPLATES.render(one).html for name, one in told.items()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium, started once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, as the package carries it."""
    return axe_script()


def violations(page: Any, axe: str, html: str) -> list[str]:
    """What axe-core finds in a document, with the element."""
    page.set_content(html)
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 360])
def test_no_mail_breaks_a_rule_of_accessibility(
    browser: Any, axe: str, language: Language, scheme: str, width: int
) -> None:
    """All mails of a language below each other: no violation of WCAG A or AA, none too wide, nothing fetched."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    documents = list(mails(language).values())
    head = documents[0].partition("<body")[0]
    opening = f"<body{documents[0].partition('<body')[2].partition('>')[0]}>"
    bodies = "".join(one.partition("<body")[2].partition(">")[2].partition("</body>")[0] for one in documents)
    wrong = violations(page, axe, f"{head}{opening}{bodies}</body></html>")
    sideways = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.close()
    assert (wrong, sideways, requests) == ([], False, [])


@pytest.mark.long
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 360])
def test_no_mail_on_its_own_breaks_a_rule_either(
    browser: Any, axe: str, language: Language, scheme: str, width: int
) -> None:
    """The same, each mail as the whole document that its reader opens."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    wrong = {name: violations(page, axe, html) for name, html in mails(language).items()}
    page.close()
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_is_on_the_first_screen_of_a_phone(browser: Any, language: Language) -> None:
    """On 360 x 640 px the deadline and the button of every alert stand above the fold."""
    page = browser.new_page(viewport={"width": 360, "height": 640})
    below = []
    for name, html in mails(language).items():
        page.set_content(html)
        bottom = page.evaluate("document.querySelector('a.button')?.getBoundingClientRect().bottom ?? 0")
        if bottom > 640 and name != "reminder":
            below.append(f"{name}: {bottom:.0f} px")
    page.close()
    assert below == []


def test_axe_would_find_a_violation(browser: Any, axe: str) -> None:
    """The gate can fail: grey on white and a table without headers are found."""
    page = browser.new_page()
    page.set_content('<html lang="en"><title>x</title><p style="color:#bbb;background:#fff">pale</p></html>')
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    page.close()
    assert "color-contrast" in {one["id"] for one in found}
