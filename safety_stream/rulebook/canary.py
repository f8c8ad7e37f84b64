"""THE CANARY: a study of nobody, whose one result walks the whole way from Kafka to a mailbox that nobody reads.

It has no dose levels, no criteria and no limits: what it proves is the way, by the rules of the book itself. Nothing of
it is counted, shown or answered as if it were a study's.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from safety_stream.rulebook.protocol import Protocol, ProtocolVersion
from safety_stream.rulebook.tables import Book

CANARY: Final = "CANARY-000"


def with_canary(book: Book) -> Book:
    """The book with the canary's protocol beside those of the studies."""
    registry = {"title": "The canary of safety_stream", "record": "none: no study", "phase": "none"}
    version = ProtocolVersion.model_validate(
        {"study": CANARY, "version": "1", "registry": registry, "ctcae": "5.0", "zone": "UTC"}
    )
    protocol = Protocol(study=CANARY, versions=(version,), digest=CANARY)
    return replace(book, protocols=MappingProxyType({**book.protocols, CANARY: protocol}))
