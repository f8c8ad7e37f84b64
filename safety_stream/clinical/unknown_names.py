"""Names that nobody asks for: a recorded fact that no rule reads, a treatment that the protocol does not give.

    fact_recorded  hbsag_positve: false        no criterion reads it: perhaps hbsag-positive was meant
    dose_given     infusion of "CAR-T"         not the study product by any of its names

What nobody reads would vanish without a word, and the criterion that it was meant for would stay open. A dose counts
all the same: its window opens, until somebody says that it was not one.
"""

from collections.abc import Collection, Iterator, Mapping

from safety_stream.clinical.events import DoseGiven, FactRecorded
from safety_stream.clinical.facts import HeaderFact
from safety_stream.clinical.fold import Flood
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.grading import BASELINE_ABNORMAL
from safety_stream.clinical.queries import SHOWN, asked
from safety_stream.rulebook.suggesting import alike
from safety_stream.rulebook.tables import Book, folded

_MOST = 3


def unknown_names(frame: Frame, facts: Mapping[str, HeaderFact], book: Book) -> Iterator[Flood]:
    """One question for every name, with the last records that tell it."""
    read = book.facts | frame.version.facts_read | {BASELINE_ABNORMAL}
    told: dict[tuple[str, str, str], list[str]] = {}
    for _, one in sorted(facts.items()):
        event = one.event
        key: tuple[str, str, str] | None = None
        if isinstance(event, FactRecorded) and event.name not in read:
            key = "unknown_fact", event.name, _facts_like(event.name, read)
        elif isinstance(event, DoseGiven) and not _is_given(event, frame):
            names = frame.version.treatments(event.role)
            key = "unknown_treatment", f"{event.role} {event.treatment}", f"one of {', '.join(names)}"
        if key is not None and event.status != "entered-in-error":
            told.setdefault(key, []).append(f"{event.source.record} v{event.source.version}")
    for (code, about, expected), sources in told.items():
        yield asked(code, about, about, expected, *sources[-SHOWN:])._replace(times=len(sources))


def _is_given(dose: DoseGiven, frame: Frame) -> bool:
    """Whether the protocol gives a treatment of this name in this role, or does not say."""
    names = frame.version.treatments(dose.role)
    return not names or folded(dose.treatment) in {folded(name) for name in names}


def _facts_like(name: str, read: Collection[str]) -> str:
    near = alike(name, read, _MOST)
    return f"a fact that a rule reads, perhaps {', '.join(near)}" if near else "a fact that a rule reads"
