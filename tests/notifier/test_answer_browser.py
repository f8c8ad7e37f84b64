"""The answer page in a real browser on a phone: it can be read, filled in with a thumb, and sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import alerts_made as made
import findings_made
import pytest
from aiohttp.test_utils import TestServer
from answering_made import PHYSICIAN, Office
from browser import CHROMIUM, NEEDS_BROWSER, RULES, axe_script

from safety_stream.alerting.entries import Language
from safety_stream.notifier.answer_page import AnswerPage
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.links import Ticket, reader
from safety_stream.notifier.tables import open_database

pytestmark = NEEDS_BROWSER

DLT = made.sent(findings_made.dose_limiting_toxicity())
READBACK = (DLT.subject or "")[-4:]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A DLT on record."""
    one = Office(open_database(f"sqlite:///{tmp_path}/outbox.db"))
    one.record(DLT)
    return one


@asynccontextmanager
async def phone(office: Office, scheme: str = "light", axe: bool = False) -> AsyncIterator[tuple[Any, str]]:
    """A page of Chromium at 360 x 640 px, and the address of the site. ``axe``: its script may run on the page."""
    from playwright.async_api import async_playwright

    page = AnswerPage(office.answers, office.links, Bell(), lambda: office.now)
    async with TestServer(page.application()) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        size: Any = {"width": 360, "height": 640}
        context = await browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=axe)  # type: ignore[arg-type]
        yield await context.new_page(), str(server.make_url("/")).rstrip("/")
        await browser.close()


def link(office: Office, language: Language = "en") -> str:
    """The path of the physician's link."""
    told = office.links.of(Ticket(DLT.id, DLT.revision, reader(PHYSICIAN.key), language)) or ""
    return told.removeprefix(office.links.base_url)


async def test_a_person_answers_on_a_phone(office: Office) -> None:
    """Open, a wrong read-back, the form again as it was, the right one, sent: the browser's own headers are taken."""
    async with phone(office) as (page, site):
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(site + link(office))
        await page.get_by_label("Read back").fill("0000")
        await page.get_by_label("Your name").fill("Dr Lee")
        await page.get_by_label("It is a DLT: confirmed").check()
        await page.get_by_label("Why").fill("no other cause")
        await page.get_by_role("button").click()
        assert await page.get_by_text("The read-back is not that of the alert").is_visible()
        assert await page.get_by_label("Your name").input_value() == "Dr Lee"
        assert await page.get_by_label("It is a DLT: confirmed").is_checked()
        await page.get_by_label("Read back").fill(READBACK)
        await page.get_by_role("button").click()
        assert await page.get_by_text("Your answer is on record").is_visible()
    assert office.state(DLT) == "adjudicated"
    assert [one for one in problems if "422" not in one] == []


@pytest.mark.parametrize(
    ("language", "scheme"),
    [
        ("en", "dark"),
        ("zh", "light"),
        pytest.param("en", "light", marks=pytest.mark.long),
        pytest.param("zh", "dark", marks=pytest.mark.long),
    ],
)
async def test_no_page_breaks_a_rule_of_accessibility(office: Office, language: Language, scheme: str) -> None:
    """Form, wrong form, thanks, a link that is not ours: no violation, nothing sideways, a thumb hits the button."""
    script = axe_script()
    async with phone(office, scheme, axe=True) as (page, site):
        for number in range(4):
            await page.goto(site + (link(office, language) if number < 3 else "/ack?t=x"))
            if number == 0:
                box = await page.get_by_role("button").bounding_box()
                assert box is not None
                assert (box["height"] >= 44, box["width"] >= 300) == (True, True)
            if number in {1, 2}:
                await page.locator("#readback").fill("0000" if number == 1 else READBACK)
                await page.locator("#by").fill("Dr Lee")
                await page.locator("input[value=will-act]").check()
                await page.get_by_role("button").click()
            await page.evaluate(script)
            found = (await page.evaluate("rules => axe.run(document, rules)", RULES))["violations"]
            assert [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]] == []
            assert not await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
