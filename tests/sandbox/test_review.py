"""The review page shows everything that is to be signed, and what is not as it was signed."""

import re

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
    for joined in BOOK.joined:
        assert joined.meddra_code in page
        assert all(_escaped(one.text) in page for part in (joined.happens, joined.around) for one in part.when.values())
    assert all(f'id="{id_}"' in page for id_ in BOOK.ambiguities)
    assert all(name in page for name in signable())
    assert not re.search(r"<script|https?://|src=", page)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_a_file_that_is_not_as_signed_stands_out() -> None:
    """A changed and an unsigned file are marked."""
    files = {"a.yaml": b"x", "b.yaml": b"y"}
    other = SignatureForm(sha256="0" * 64, version="1.0", approver="Dr Li")
    page = review_page(BOOK, files, {"a.yaml": other})
    assert page.count("NO: changed or never signed") == 2
    assert "Dr Li" in page
