"""What the cells of one row say: the question that they ask, and every mark and fact that could not be read.

Nothing is guessed: an unreadable mark, and a fact that is told as yes and as no, count as not known, with a remark.
"""

from collections.abc import Iterator, Mapping

from safety_stream.clinical.grade_one import Asked
from safety_stream.clinical.grading import BASELINE_ABNORMAL
from safety_stream.clinical.measure import Remark
from safety_stream.sandbox.near import near

TEXTS = (
    "analyte", "loinc", "term", "unit", "lln", "uln", "baseline", "baseline_unit", "baseline_lln", "baseline_uln",
)  # fmt: skip
MARKS = ("untreated", "direction", "baseline_indicator", "other_inputs")
ALSO_CALLED = {"baseline_value": "baseline"}
_TRUTH = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
_WORSE = {"l": "lower", "low": "lower", "lower": "lower", "h": "higher", "high": "higher", "higher": "higher"}
_FLAGS = {"HIGH": True, "HIGH HIGH": True, "NORMAL": False, "LOW": False, "LOW LOW": False}
_FLAG_WITHOUT_A_SIDE = "ABNORMAL"  # register G41
_ASSUMED = {
    "assume_symptomatic": ("hyponatremia_symptoms", "hypokalemia_symptoms"),
    "assume_signs_or_symptoms": ("pancreatic_signs_or_symptoms",),
    "assume_physiologic_consequences": ("hyperuricemia_consequences",),
    "assume_on_anticoagulation": ("on_anticoagulant",),
}
_IONIZED = "(ionized)"
_SHOWN = 60


def asked(row: Mapping[str, str], facts: frozenset[str]) -> Asked:
    """The question of a row."""
    told = {name: text for name in TEXTS if (text := row.get(name, "").strip())}
    if told.get("term", "").lower().endswith(_IONIZED):
        told |= {"term": told["term"][: -len(_IONIZED)], "analyte": "CAION"}
    words = list(_words(row, facts))
    known = dict(_facts(words))
    doubts = (*_unread_marks(row), *_unread_facts(words), *_misspelt(row, facts))
    return Asked(
        **told,  # type: ignore[arg-type]
        untreated=_TRUTH.get(_mark(row, "untreated"), False),
        worse=_WORSE.get(_mark(row, "direction")),
        facts=known | _flagged(row),
        doubts=doubts,
    )


def _mark(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "").strip().lower()


def _flag(row: Mapping[str, str]) -> str:
    return " ".join(row.get("baseline_indicator", "").upper().split())


def _flagged(row: Mapping[str, str]) -> dict[str, bool]:
    flag = _flag(row)
    return {BASELINE_ABNORMAL: _FLAGS[flag]} if flag in _FLAGS else {}


def _unread_marks(row: Mapping[str, str]) -> Iterator[Remark]:
    if (untreated := _mark(row, "untreated")) and untreated not in _TRUTH:
        yield _unread("untreated", untreated, "yes or no")
    if (direction := _mark(row, "direction")) and direction not in _WORSE:
        yield _unread("direction", direction, "L or H")
    if (flag := _flag(row)) and flag not in {*_FLAGS, _FLAG_WITHOUT_A_SIDE}:
        yield _unread("baseline_indicator", flag, "HIGH, NORMAL, LOW or ABNORMAL")


def _unread(about: str, found: str, expected: str) -> Remark:
    return Remark("unreadable_mark", about, found[:_SHOWN], expected)


def _words(row: Mapping[str, str], facts: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Every fact that is told, in its columns and in ``other_inputs``, with the word for it; blanks tell nothing."""
    told = [(name, row[name]) for name in sorted(facts & row.keys())]
    told += _others(row)
    for name, word in told:
        for fact in _ASSUMED.get(name, (name,)):
            if word.strip() and fact in facts:
                yield fact, word.strip().lower()


def _others(row: Mapping[str, str]) -> list[tuple[str, str]]:
    told = (one.partition("=") for one in row.get("other_inputs", "").split(";"))
    return [(name.strip(), word) for name, _, word in told if name.strip()]


def _facts(words: list[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """The facts that are known: told with yes or no, and never with both."""
    told = {(fact, _TRUTH[word]) for fact, word in words if word in _TRUTH}
    return ((fact, truth) for fact, truth in sorted(told) if (fact, not truth) not in told)


def _unread_facts(words: list[tuple[str, str]]) -> Iterator[Remark]:
    told = {(fact, _TRUTH[word]) for fact, word in words if word in _TRUTH}
    for fact, word in dict.fromkeys(words):
        if word not in _TRUTH:
            yield Remark("unreadable_fact", fact, word[:_SHOWN], "yes or no")
    for fact, truth in sorted(told):
        if truth and (fact, False) in told:
            yield Remark("contradiction", fact, "yes and no", "one of them")


def _misspelt(row: Mapping[str, str], facts: frozenset[str]) -> Iterator[Remark]:
    for name, _ in _others(row):
        if name not in facts and name not in _ASSUMED and (meant := near(name, facts)):
            yield Remark("unknown_fact", name[:_SHOWN], "no such fact", meant)
