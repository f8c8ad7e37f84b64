"""The review page shows everything that is to be signed, and what is not as it was signed."""

import re
from dataclasses import replace
from types import MappingProxyType

from markupsafe import escape

from safety_stream.rulebook.forms import SignatureForm
from safety_stream.rulebook.load import load_book, signable, signatures
from safety_stream.sandbox.review import review_page

BOOK = load_book(allow_unsigned=True)


def test_everything_that_decides_is_on_the_page() -> None:
    """Every rule with its figures, every register entry, every analyte and file is on one page that fetches nothing."""
    page = review_page(BOOK, signable(), signatures())
    assert BOOK.version in page
    for key in BOOK.analytes:
        for rule in BOOK.rules(key):
            assert rule.meddra_code in page
            for row in (*rule.rows.values(), *rule.rows_then.values()):
                assert all(_escaped(criterion.text) in page for _, criterion in row.worst_first)
    for scale in BOOK.scales.values():
        assert scale.name in page
        assert all(level.name in page and _escaped(level.says) in page for one in scale.domains for level in one.levels)
    rules = [rule for study in BOOK.protocols.values() for one in study.versions if one.dlt for rule in one.dlt.rules]
    assert all(_escaped(rule.text) in page for rule in rules)
    for joined in BOOK.joined:
        assert joined.meddra_code in page
        assert all(_escaped(one.text) in page for part in (joined.happens, joined.around) for one in part.when.values())
    assert all(f'id="{id_}"' in page for id_ in BOOK.ambiguities)
    assert all(name in page for name in signable())
    assert not re.search(r"<script|https?://|src=", page)


def _escaped(text: str) -> str:
    return str(escape(text))


def test_every_link_leads_somewhere() -> None:
    """Whoever clicks a term or a register entry arrives at it."""
    page = review_page(BOOK, signable(), signatures())
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))


def test_an_example_that_does_not_hold_stands_out() -> None:
    """The page works every example itself: it never says that all hold when one does not."""
    crs = BOOK.scales["astct_crs"]
    wrong = replace(crs, examples=(replace(crs.examples[0], grade="3"), *crs.examples[1:]))
    page = review_page(replace(BOOK, scales=MappingProxyType({"astct_crs": wrong})), {}, {})
    assert "some do not hold" in page
    assert "astct_crs: example fever 38.0 Cel" in page


def test_a_later_version_of_a_protocol_shows_what_it_changes() -> None:
    """Version 2.0 changes the days of infusion and three limits; only those rows stand under it."""
    page = review_page(BOOK, {}, {})
    later = page[page.index("version 2.0</h3>") : page.index('id="analytes"')]
    assert "0, 3, 6" in later
    assert "Platelets at least 30 x 10^9/L" in later
    assert "Left ventricular ejection fraction" not in later


def test_a_file_that_is_not_as_signed_stands_out() -> None:
    """A changed and an unsigned file are marked."""
    files = {"a.yaml": b"x", "b.yaml": b"y"}
    other = SignatureForm(sha256="0" * 64, version="1.0", approver="Dr Li")
    page = review_page(BOOK, files, {"a.yaml": other})
    assert page.count("NO: changed or never signed") == 2
    assert "Dr Li" in page
