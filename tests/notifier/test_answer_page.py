"""The page behind a link, over real HTTP: looking changes nothing, and only who has read the mail can answer."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import alerts_made as made
import findings_made
import pytest
from aiohttp import ClientResponse, ClientSession
from aiohttp.test_utils import TestServer
from answering_made import BOARD, KEY, OLD_KEY, PHYSICIAN, Office
from sqlalchemy import Engine

from safety_stream.alerting.alert import Alert
from safety_stream.notifier.answer_page import AnswerPage, PageLook
from safety_stream.notifier.bell import Bell
from safety_stream.notifier.links import Links, Ticket, reader
from safety_stream.notifier.tables import open_database

GRADE_4 = made.sent(findings_made.toxicity(4))
WORSE = GRADE_4.model_copy(update={"revision": 2})
DLT = made.sent(findings_made.dose_limiting_toxicity())
STOP = made.sent(findings_made.cohort_decision("stop", 2))
SUBJECT = GRADE_4.subject or ""
GOOD = {"readback": SUBJECT[-4:], "by": "Dr Lee", "response": "will-act"}


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One kind of database is enough for the page: both are tried below it."""
    return open_database(f"sqlite:///{tmp_path_factory.mktemp('page')}/outbox.db")


@pytest.fixture
def office(engine: Engine) -> Office:
    """A grade 4 alert, a DLT and an advice to stop on record; the physician has been mailed."""
    one = Office(engine)
    one.record(GRADE_4, DLT, STOP)
    one.mail()
    return one


@dataclass
class Visitor:
    """Somebody with an HTTP client."""

    session: ClientSession
    office: Office

    async def get(self, alert: Alert, **headers: str) -> tuple[int, str]:
        """Open the link of an alert."""
        async with self.session.get(self.office.link(alert), headers=headers) as reply:
            return await told(reply)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> tuple[int, str]:
        """Send the form of a link."""
        token = path.partition("t=")[2]
        async with self.session.post("/ack", data={"t": token, **form}, headers=headers) as reply:
            return await told(reply)


async def told(reply: ClientResponse) -> tuple[int, str]:
    """Status and what a person reads."""
    return reply.status, re.sub(r"<style.*?</style>|<[^>]+>|\s+", " ", await reply.text(), flags=re.DOTALL)


@asynccontextmanager
async def visiting(office: Office, look: PageLook = PageLook()) -> AsyncIterator[Visitor]:  # noqa: B008  # frozen
    """The page on a loopback port, and a visitor."""
    page = AnswerPage(office.answers, office.links, Bell(), lambda: office.now, look)
    async with TestServer(page.application()) as server, ClientSession(server.make_url("/")) as session:
        yield Visitor(session, office)


async def test_a_hundred_looks_change_nothing(office: Office) -> None:
    """GET, HEAD and a prefetch, 100 times each: the alert is open, no move was made, the next level is still told."""
    async with visiting(office) as visitor:
        for _ in range(100):
            assert (await visitor.get(GRADE_4))[0] == 200
            assert (await visitor.get(GRADE_4, Purpose="prefetch", **{"Sec-Purpose": "prefetch"}))[0] == 200
            async with visitor.session.head(office.link(GRADE_4)) as reply:
                assert reply.status == 200
    assert office.moves(GRADE_4) == [("opened", "the engine")]
    office.wait(15)
    assert [address for address, level, _ in office.mail() if level == 2] != []


async def test_an_answer_with_read_back_is_taken_and_nobody_is_mailed_any_more(office: Office) -> None:
    """200 and plain words; the moves name who and why; those next in line never hear, who got it hears who answered."""
    async with visiting(office) as visitor:
        status, said = await visitor.post(office.link(GRADE_4), GOOD)
    assert (status, "Your answer is on record" in said, "Dr Lee" in said) == (200, True, True)
    assert office.moves(GRADE_4) == [("opened", "the engine"), ("acknowledged", "Dr Lee"), ("closed", "Dr Lee")]
    mails = [claim for claim in office.sent() if getattr(claim, "alert", None) == GRADE_4]
    assert [(claim.person, claim.kind) for claim in mails] == [(PHYSICIAN, "answered")]
    office.wait(600)
    assert not [claim for claim in office.sent() if getattr(claim, "alert", None) == GRADE_4]


async def test_sending_an_answer_twice_is_one_answer(office: Office) -> None:
    """A second press of the button: 200, on record already, no second move."""
    async with visiting(office) as visitor:
        await visitor.post(office.link(GRADE_4), GOOD)
        status, said = await visitor.post(office.link(GRADE_4), GOOD)
        status_of_other, said_to_other = await visitor.post(office.link(GRADE_4), GOOD | {"by": "Dr Wu"})
    assert (status, "on record already" in said) == (200, True)
    assert (status_of_other, "nothing left to answer" in said_to_other, "Dr Lee" in said_to_other) == (200, True, True)
    assert len(office.moves(GRADE_4)) == 3


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"readback": "0000"}, "The read-back is not that of the alert"),
        ({"readback": ""}, "The read-back is not that of the alert"),
        ({"by": "  "}, "A name is needed"),
        ({"by": "Dr\u202eLee"}, "characters that cannot be kept"),
        ({"response": ""}, "Choose an answer"),
        ({"response": "confirmed"}, "Choose an answer"),
        ({"response": "acknowledged"}, "Choose an answer"),
    ],
)
async def test_a_wrong_form_is_422_and_comes_back_filled_in(office: Office, form: dict[str, str], says: str) -> None:
    """What is wrong is said in words, nothing changes, and what was typed right need not be typed again at 3 a.m."""
    async with visiting(office) as visitor:
        token = office.link(GRADE_4).partition("t=")[2]
        async with visitor.session.post("/ack", data={"t": token, **GOOD, **form}) as reply:
            status, page = reply.status, await reply.text()
    assert (status, says in page, "Nothing was changed" in page) == (422, True, True)
    assert ('value="Dr Lee"' in page) == ("by" not in form)
    assert "<form" in page
    assert office.moves(GRADE_4) == [("opened", "the engine")]


@pytest.mark.parametrize("spoilt", ["", "x", "A.B.C", "{}"])
async def test_a_tampered_link_is_403(office: Office, spoilt: str) -> None:
    """Whatever was changed about a token: it is not ours, looked at or answered."""
    async with visiting(office) as visitor:
        token = spoilt.format(office.link(GRADE_4)) if spoilt != "x" else office.link(GRADE_4).partition("t=")[2] + "x"
        async with visitor.session.get(f"/ack?t={token}") as reply:
            status, said = await told(reply)
        assert (status, "not one of ours" in said) == (403, True)
        assert (await visitor.post(f"t={token}", GOOD))[0] == 403
    assert office.moves(GRADE_4) == [("opened", "the engine")]


async def test_a_link_for_one_alert_opens_no_other(office: Office) -> None:
    """The payload of one token under the signature of another: 403."""
    one, other = (office.link(alert).partition("t=")[2].split(".", 1) for alert in (GRADE_4, DLT))
    async with visiting(office) as visitor:
        assert (await visitor.post(f"t={one[0]}.{other[1]}", GOOD))[0] == 403


async def test_keys_rotate(office: Office) -> None:
    """A link signed with the key before is still good; one signed with a key that is gone is not."""
    ticket = Ticket(GRADE_4.id, 1, reader(PHYSICIAN.key))
    before, gone = (Links((key,), office.links.base_url).of(ticket) or "" for key in (OLD_KEY, "gone" * 10))
    assert office.links.keys[-1] == KEY
    async with visiting(office) as visitor:
        assert (await visitor.post(gone, GOOD))[0] == 403
        assert (await visitor.post(before, GOOD))[0] == 200


async def test_a_link_of_73_hours_is_410(office: Office) -> None:
    """After 72 hours the link is no answer any more, and the page says what to do instead."""
    link = office.link(GRADE_4)
    async with visiting(office) as visitor:
        signed = datetime.now(UTC)
        office.now = signed + timedelta(hours=71)
        assert (await visitor.post(link, GOOD | {"readback": "0000"}))[0] == 422
        office.now = signed + timedelta(hours=73)
        status, said = await visitor.post(link, GOOD)
    assert (status, "older than 72 hours" in said) == (410, True)
    assert office.moves(GRADE_4) == [("opened", "the engine")]


async def test_a_link_of_an_older_revision_is_409_and_shows_the_new_one(office: Office) -> None:
    """The value has changed since the mail: the answer is refused, what holds now is shown."""
    link = office.link(GRADE_4)
    office.record(WORSE)
    async with visiting(office) as visitor:
        status, said = await visitor.post(link, GOOD)
        assert (await visitor.post(office.link(WORSE), GOOD))[0] == 200
    assert (status, "older revision" in said, "revision 2" in said) == (409, True, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.net"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_403(office: Office, headers: dict[str, str]) -> None:
    """A page elsewhere that posts to ours gets nothing, even with a good token and read-back."""
    async with visiting(office) as visitor:
        status, said = await visitor.post(office.link(GRADE_4), GOOD, **headers)
    assert (status, "from our own page" in said) == (403, True)
    assert office.moves(GRADE_4) == [("opened", "the engine")]


async def test_the_eleventh_try_in_a_minute_is_429(office: Office) -> None:
    """Nobody guesses a read-back: ten tries a minute, then the right one is refused too; a minute later it is taken."""
    async with visiting(office) as visitor:
        wrong = [await visitor.post(office.link(GRADE_4), GOOD | {"readback": f"{n:04}"}) for n in range(10)]
        status, said = await visitor.post(office.link(GRADE_4), GOOD)
        other, _ = await visitor.post(office.link(DLT), GOOD)
        office.now += timedelta(minutes=1)
        later, _ = await visitor.post(office.link(GRADE_4), GOOD)
    assert {code for code, _ in wrong} == {422}
    assert (status, "Wait a minute" in said, other, later) == (429, True, 200, 200)


async def test_a_dlt_is_decided_by_the_same_link(office: Office) -> None:
    """Confirmed with a reason: acknowledged and adjudicated, and the event waits for the log of record."""
    form = GOOD | {"response": "confirmed", "why": "no other cause", "readback": (DLT.subject or "")[-4:]}
    async with visiting(office) as visitor:
        _, page = await visitor.get(DLT)
        status, said = await visitor.post(office.link(DLT), form)
    assert ("It is a DLT: confirmed" in page, status, "Decided by Dr Lee" in said) == (True, 200, True)
    assert office.state(DLT) == "adjudicated"
    ((_, _, event),) = office.answers.unpublished()
    assert '"verdict":"confirmed"' in event
    assert DLT.finding is not None
    assert DLT.finding.id in event


async def test_the_page_leaves_out_what_is_to_be_read_back(office: Office) -> None:
    """It shows what happened, and nowhere the subject number: only the mail has it."""
    async with visiting(office) as visitor:
        _, page = await visitor.get(GRADE_4)
    assert "Neutrophil count decreased" in page
    assert SUBJECT not in page


async def test_a_reader_of_pooled_data_reads_back_the_id(office: Office) -> None:
    """The board's mail names no subject, so nothing of a subject is asked or shown."""
    ticket = Ticket(GRADE_4.id, 1, reader(BOARD.key), pooled=True)
    link = (office.links.of(ticket) or "").removeprefix(office.links.base_url)
    async with visiting(office) as visitor:
        async with visitor.session.get(link) as reply:
            _, page = await told(reply)
        assert "0.42" not in page
        assert (await visitor.post(link, GOOD))[0] == 422
        assert (await visitor.post(link, GOOD | {"readback": GRADE_4.id[-4:]}))[0] == 200


async def test_an_alert_of_a_dose_level_is_read_back_by_its_number(office: Office) -> None:
    """Advice to stop names no subject: the dose level is read back, in figures or words."""
    async with visiting(office) as visitor:
        assert (await visitor.post(office.link(STOP), GOOD | {"readback": "7"}))[0] == 422
        assert (await visitor.post(office.link(STOP), GOOD | {"readback": f"Dose level {STOP.dose_level}"}))[0] == 200


async def test_without_clinical_detail_the_page_tells_none(office: Office) -> None:
    """Where mails are notices, the page behind their link is no leak either."""
    async with visiting(office, PageLook(full=False)) as visitor:
        _, page = await visitor.get(GRADE_4)
    assert not any(one in page for one in ("Neutrophil", "0.42", SUBJECT))


async def test_the_page_speaks_chinese_to_who_reads_chinese(office: Office) -> None:
    """The language is in the link; of a link that cannot be read, the browser says it."""
    ticket = Ticket(GRADE_4.id, 1, reader(PHYSICIAN.key), language="zh")
    link = (office.links.of(ticket) or "").removeprefix(office.links.base_url)
    async with visiting(office) as visitor:
        async with visitor.session.get(link) as reply:
            _, page = await told(reply)
        assert all(one in page for one in ("中性粒细胞计数降低", "提交答复", "受试者编号的后 4 位"))
        status, said = await visitor.post(link, GOOD)
        assert (status, "您的答复已记录" in said) == (200, True)
        async with visitor.session.get("/ack?t=x", headers={"Accept-Language": "zh-CN,zh;q=0.9"}) as reply:
            assert "此链接并非本系统发出" in (await told(reply))[1]


async def test_a_proxy_that_signs_people_in_makes_the_name_strong(office: Office) -> None:
    """With an identity header the form asks no name and believes none; a request around the proxy is 403."""
    async with visiting(office, PageLook(identity_header="X-Signed-In")) as visitor:
        assert (await visitor.get(GRADE_4))[0] == 403
        _, page = await visitor.get(GRADE_4, **{"X-Signed-In": "lee@example.org"})
        assert "signed in as lee@example.org" in page
        status, _ = await visitor.post(office.link(GRADE_4), GOOD, **{"X-Signed-In": "lee@example.org"})
    assert status == 200
    assert office.moves(GRADE_4)[1] == ("acknowledged", "lee@example.org")


async def test_no_page_is_kept_or_framed_or_sends_the_link_on(office: Office) -> None:
    """The headers of every reply, good and bad."""
    async with visiting(office) as visitor:
        for path in (office.link(GRADE_4), "/ack?t=x"):
            async with visitor.session.get(path) as reply:
                assert reply.headers["Cache-Control"] == "no-store"
                assert reply.headers["Referrer-Policy"] == "no-referrer"
                policy = reply.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "script" not in policy


async def test_what_a_stranger_wrote_is_text_on_the_page(office: Office) -> None:
    """A headline with tags stays a line of text."""
    spoilt = replace_headline(WORSE, "<script>alert(1)</script>")
    office.record(spoilt)
    async with visiting(office) as visitor, visitor.session.get(office.link(spoilt)) as reply:
        page = await reply.text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def replace_headline(alert: Alert, headline: str) -> Alert:
    """The alert with another headline."""
    return alert.model_copy(update={"headline": headline})


def test_a_link_without_a_key_is_no_link() -> None:
    """Where no key is set nobody can answer by link, and none is mailed."""
    ticket = Ticket(GRADE_4.id, 1, reader(PHYSICIAN.key))
    assert Links((), "https://safety.example.org").of(ticket) is None
    assert Links((), "https://safety.example.org").read("x") == "bad"
