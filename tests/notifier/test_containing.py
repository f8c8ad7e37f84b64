"""What a graver alert contains is asked of its newest revision: in whatever order it all comes, nothing is lost.

hys_law  r1: ALT, BILI    r2: AST, BILI    r3: taken back          the facts that each revision tells
ALT                 in it               by itself       by itself
BILI                in it               in it           by itself
"""

from collections.abc import Sequence
from typing import Final

import pytest
from answering_made import MONITOR, PHYSICIAN, Gathering
from hypothesis import given, settings
from hypothesis import strategies as st
from panels_made import GONE, alt_4, bilirubin_3, candidate, hys, liver, result
from sqlalchemy import Engine, select

from safety_stream.alerting.alert import Alert
from safety_stream.alerting.channels.channel import Outcome
from safety_stream.notifier.courses import ms
from safety_stream.notifier.pending import Claim, NoticeClaim
from safety_stream.notifier.tables import MESSAGES, open_database


def revised(alert: Alert, revision: int) -> Alert:
    """The alert under another revision."""
    return alert.model_copy(update={"revision": revision})


AST_INSTEAD: Final = revised(liver("hys_law", "AST", "BILI"), 2)
SAME_FACTS: Final = revised(liver("hys_law", "ALT", "BILI"), 2)


@pytest.fixture
def office(engine: Engine) -> Gathering:
    """Nobody told anything yet."""
    return Gathering(engine)


def _told(office: Gathering) -> None:
    """Hy's law with its two results has gone out in one mail."""
    office.record(alt_4, bilirubin_3, hys)
    office.second()
    office.mails()
    assert office.states(alt_4) == office.states(bilirubin_3) == {"contained"}


def test_what_a_revision_no_longer_tells_is_told_and_answered_by_itself(office: Gathering) -> None:
    """Hy's law comes to rest on the AST: the ALT asks for an answer of its own, the bilirubin stays inside."""
    _told(office)
    office.record(AST_INSTEAD)
    office.second()
    assert office.mails() == sorted(
        [
            (MONITOR.address, [hys.id]),
            (PHYSICIAN.address, [alt_4.id]),
            (PHYSICIAN.address, [hys.id]),
        ]
    )
    assert office.state(alt_4) == "open"
    assert (office.state(bilirubin_3), office.states(bilirubin_3)) == ("closed", {"contained"})
    assert office.moves(alt_4)[-1] == ("opened", "the engine")


def test_what_was_told_so_steps_up_like_any_other(office: Gathering) -> None:
    """Nobody answers the ALT: its next in line is told after its own time."""
    _told(office)
    office.record(AST_INSTEAD)
    office.second()
    office.mails()
    office.wait(16)
    assert [claim.level for claim in office.sent() if isinstance(claim, Claim) and claim.alert.id == alt_4.id][-1] == 2


def test_a_revision_of_the_same_facts_tells_nothing_again(office: Gathering) -> None:
    """Hy's law is told again, the two results stay inside."""
    _told(office)
    office.record(SAME_FACTS)
    office.second()
    assert office.mails() == [(MONITOR.address, [hys.id]), (PHYSICIAN.address, [hys.id])]
    assert office.states(alt_4) == {"contained"}


@pytest.mark.parametrize("then", [AST_INSTEAD, GONE], ids=["revised", "taken back"])
def test_a_revision_that_comes_while_the_mail_is_on_its_way_counts(office: Gathering, then: Alert) -> None:
    """The mail said that the ALT needs no answer; when it is out that holds no longer, and the ALT is told."""
    office.record(alt_4, hys)
    office.second()
    in_hand = office.pending.claim("email", ms(office.now), 60_000)
    assert isinstance(in_hand, Claim)
    while in_hand.person != PHYSICIAN:
        in_hand = office.pending.claim("email", ms(office.now), 60_000)
        assert isinstance(in_hand, Claim)
    office.record(then)
    office.pending.settle(in_hand, Outcome("accepted", "250"), ms(office.now), ms(office.now))
    office.second()
    assert (PHYSICIAN.address, [alt_4.id]) in office.mails()
    assert office.state(alt_4) == "open"


@pytest.mark.parametrize("then", [AST_INSTEAD, GONE], ids=["revised", "taken back"])
def test_a_revision_between_two_tries_of_the_mail_counts(office: Gathering, then: Alert) -> None:
    """The server was busy: the mail goes out as it was, and the ALT in a mail of its own after it."""
    office.record(alt_4, hys)
    office.second()
    office.mails("deferred")
    office.record(then)
    office.second(61)
    told = office.mails()
    assert (PHYSICIAN.address, [hys.id, alt_4.id]) in told
    assert (PHYSICIAN.address, [alt_4.id]) in told
    assert office.state(alt_4) == "open"


def test_a_revision_found_late_contains_nothing_that_a_newer_one_does_not(office: Gathering) -> None:
    """The second look finds revision 1 after revision 2: the ALT is told once, in its mail, and answered by itself."""
    office.record(alt_4, AST_INSTEAD)
    office.record(hys)
    office.second()
    told = [alerts for who, alerts in office.mails() if who == PHYSICIAN.address]
    assert told == [[hys.id], [hys.id, alt_4.id]]
    assert (office.state(alt_4), office.states(alt_4)) == ("open", {"accepted"})


def test_what_was_told_by_itself_stays_asked_when_a_revision_comes_to_tell_it_too(office: Gathering) -> None:
    """Hy's law rested on the AST, and the ALT was told apart; resting on the ALT now, it takes no answer away."""
    office.record(alt_4, revised(AST_INSTEAD, 1))
    office.second()
    office.mails()
    assert (office.state(alt_4), office.states(alt_4)) == ("open", {"accepted"})
    office.record(SAME_FACTS)
    office.second()
    assert office.mails() == [(MONITOR.address, [hys.id]), (PHYSICIAN.address, [hys.id])]
    assert (office.state(alt_4), office.states(alt_4)) == ("open", {"accepted"})


def test_what_comes_with_a_revision_that_tells_more_is_contained_in_it(office: Gathering) -> None:
    """Hy's law was told without the ALT; the alert of the ALT comes with the revision that rests on it: one mail."""
    office.record(revised(AST_INSTEAD, 1))
    office.second()
    office.mails()
    office.record(alt_4, SAME_FACTS)
    office.second()
    assert (PHYSICIAN.address, [hys.id, alt_4.id]) in office.mails()
    assert (office.state(alt_4), office.states(alt_4)) == ("closed", {"contained"})


def test_a_dlt_candidate_that_is_about_another_finding_gives_the_first_back(office: Gathering) -> None:
    """The candidate was about the bilirubin; its next revision is about the ALT."""
    about = candidate(bilirubin_3)
    other = revised(candidate(alt_4), 2).model_copy(update={"id": about.id})
    office.record(bilirubin_3, about)
    office.second()
    office.mails()
    assert office.states(bilirubin_3) == {"contained"}
    office.record(other)
    office.second()
    assert (PHYSICIAN.address, [bilirubin_3.id]) in office.mails()
    assert office.state(bilirubin_3) == "open"


# The laws. What each revision of Hy's law tells is drawn as tests, and what is expected is worked out from these alone.

TESTS: Final = ("ALT", "AST", "BILI", "NEUT")
Told = tuple[str, ...]
RESTS_ON: Final = st.sampled_from([("ALT", "BILI"), ("AST", "BILI"), ("ALT", "AST", "BILI"), ("ALT",), ()])
LAW: Final = st.lists(RESTS_ON, min_size=1, max_size=3).filter(lambda told: bool(told[0]))
RESULTS: Final = st.lists(
    st.tuples(st.sampled_from(TESTS), st.sampled_from([3, 4])), min_size=1, max_size=2, unique_by=lambda one: one[0]
)
MEANWHILE: Final = st.sampled_from(["nothing", "accepted", "deferred", "in hand"])


def _law(told: Sequence[Told]) -> list[Alert]:
    """The revisions of Hy's law; one that rests on nothing takes it back."""
    return [revised(liver("hys_law", *tests) if tests else GONE, number) for number, tests in enumerate(told, 1)]


def _all_out(office: Gathering) -> list[tuple[str, list[tuple[str, int, str | None]]]]:
    """Everything that is still to be mailed, with what is contained in what."""
    claims: list[Claim | NoticeClaim] = []
    for _ in range(4):
        office.second(61)
        claims += office.sent()
    return sorted((_mail(one) for one in claims if isinstance(one, Claim)), key=str)


def _mail(claim: Claim) -> tuple[str, list[tuple[str, int, str | None]]]:
    return claim.person.address, [(one.alert.id, one.alert.revision, one.contained_in) for one in claim.whole]


@settings(max_examples=25, deadline=None)
@given(LAW, RESULTS, st.data())
def test_what_came_in_before_the_mail_makes_the_same_mails_in_any_order(
    told: list[Told], results: list[tuple[str, int]], data: st.DataObject
) -> None:
    """All that comes within the two seconds, in order once and in any other order twice: the same mails."""
    alerts = [*_law(told), *(result(test, grade) for test, grade in results)]
    mails = []
    for order in (range(len(alerts)), data.draw(st.permutations([*range(len(alerts))] * 2))):
        office = Gathering(open_database("sqlite://"))
        for number in order:
            office.record(alerts[number])
        mails.append(_all_out(office))
        office.engine.dispose()
    assert mails[0] == mails[1]


@settings(max_examples=60, deadline=None)
@given(LAW, RESULTS, st.booleans(), st.data())
def test_in_any_order_with_mails_in_between_nothing_is_lost(
    told: list[Told], results: list[tuple[str, int]], in_order: bool, data: st.DataObject
) -> None:
    """In the end every newest revision was told by itself, or in the mail of a graver alert that tells it still."""
    lesser = [result(test, grade) for test, grade in results]
    first, *later = _law(told)
    batches = [[*lesser, first], *([one] for one in later)]
    if not in_order:
        batches = [[one] for one in data.draw(st.permutations([*lesser, revised(lesser[0], 2), first, *later]))]
    office, in_hand = Gathering(open_database("sqlite://")), list[Claim]()
    for batch in batches:
        office.record(*batch)
        _settled(office, in_hand)
        in_hand = _meanwhile(office, data.draw(MEANWHILE))
    _settled(office, in_hand)
    _all_out(office)
    _nothing_is_lost(office, [one for batch in batches for one in batch], told[-1])
    office.engine.dispose()


def _settled(office: Gathering, in_hand: list[Claim]) -> None:
    for claim in in_hand:
        office.pending.settle(claim, Outcome("accepted", "250"), ms(office.now), ms(office.now))


def _meanwhile(office: Gathering, what: str) -> list[Claim]:
    """What the couriers do between two arrivals; the mails that they have in hand."""
    if what == "nothing":
        return []
    office.second(61)
    if what != "in hand":
        office.sent(what)
        return []
    claims = (office.pending.claim("email", ms(office.now), 60_000) for _ in range(3))
    return [claim for claim in claims if isinstance(claim, Claim)]


def _nothing_is_lost(office: Gathering, alerts: Sequence[Alert], tells: Told) -> None:
    newest = {one.id: one for one in sorted(alerts, key=lambda one: one.revision)}
    for alert in newest.values():
        its = select(MESSAGES.c.state).where(MESSAGES.c.alert_id == alert.id, MESSAGES.c.revision == alert.revision)
        with office.engine.begin() as db:
            states = set(db.scalars(its))
        analyte = getattr(alert.finding, "analyte", None)
        assert states, alert.id
        assert states <= ({"accepted", "contained"} if analyte in tells else {"accepted"}), (analyte, states)
        if alert.state == "raised":
            assert office.state(alert) == ("open" if "accepted" in states else "closed")
