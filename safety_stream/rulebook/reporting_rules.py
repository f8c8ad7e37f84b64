"""What a protocol says of reporting clocks: from site to sponsor, and from sponsor to authority (decision T15)."""

from typing import Annotated

from pydantic import Field

from safety_stream.rulebook.spans import Span
from safety_stream.rulebook.written import Attribution, Whole, Words, Written


def _spans(*texts: str) -> tuple[Span, ...]:
    return tuple(Span(text) for text in texts)


class Reconciliation(Written):
    """Which laboratory episodes need an adverse-event report, within which time, and what else a report may call them.

    What lies inside the expected band of the protocol needs none.
    """

    source: Words
    from_grade: Annotated[Whole, Field(ge=3, le=5)] = 3
    within: Span = Field(default_factory=lambda: Span("7 d"))
    except_terms: tuple[Words, ...] = ()
    also_called: dict[Words, tuple[Words, ...]] = Field(default_factory=dict)


class Reporting(Written):
    """The limits of expedited reports, and how long before each of them people are told. Calendar days: holidays count.

    The hours from site to sponsor stand in the protocol's ``sae_report_within``.
    """

    source: Words
    suspected: tuple[Attribution, ...] = ("possible", "probable", "definite")
    sae_warn_before: tuple[Span, ...] = Field(default_factory=lambda: _spans("4 h", "1 h"))
    susar_warn_before: tuple[Span, ...] = Field(default_factory=lambda: _spans("48 h", "24 h"))
    susar_grave_days: Annotated[Whole, Field(ge=1, le=60)] = 7
    susar_other_days: Annotated[Whole, Field(ge=1, le=60)] = 15
