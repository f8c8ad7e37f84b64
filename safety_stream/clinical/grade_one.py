"""One result asked about by hand or by a row of a file: every grade its terms give, and the reason in words."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from safety_stream.clinical.evidence import brief
from safety_stream.clinical.grading import NOTHING_KNOWN, Baseline, Graded, NoBaseline, grade
from safety_stream.clinical.measure import Measured, Remark, Setting, Unmeasurable, in_setting, limits_of, setting_of
from safety_stream.quantity import Interval
from safety_stream.rulebook.suggesting import alike
from safety_stream.rulebook.tables import Analyte, Book, GradingRule

_SUGGESTED = 3
REGISTER = {
    "unknown_unit": "G20",
    "implausible_value": "G20",
    "implausible_range": "G20",
    "missing_unit": "G39",
    "unreadable_value": "G38",
    "unreadable_range": "G40",
    "range_upside_down": "G40",
}


class Asked(NamedTuple):
    """What is asked: a result as it was reported, named by analyte, LOINC code or CTCAE term, and what is known.

    Without a baseline, ``untreated`` says whether nobody was treated yet; else the baseline counts as unknown.
    ``doubts``: what was told beside it and could not be read, so that the answer can say so.
    """

    analyte: str | None = None
    loinc: str | None = None
    term: str | None = None
    value: str | None = None
    unit: str | None = None
    lln: str | None = None
    uln: str | None = None
    baseline: str | None = None
    baseline_unit: str | None = None
    baseline_lln: str | None = None
    baseline_uln: str | None = None
    untreated: bool = False
    facts: Mapping[str, bool] = NOTHING_KNOWN
    lasting: Interval | None = None
    worse: str | None = None
    doubts: tuple[Remark, ...] = ()


class Answer(NamedTuple):
    """The grade of one term, or None and the reason why it cannot be graded; beside it what else was not read."""

    term: str | None
    rule: str | None
    graded: Graded | None
    why_not: Remark | None
    doubts: tuple[Remark, ...] = ()

    @property
    def brief(self) -> str:
        """Why in a few words, without the value: the comparison that decided, the register ids, what was not read."""
        if self.graded is None:
            return self.reason
        return with_doubts(brief(self.graded.case, self.graded.grade, self.graded.alerting_grade), self.doubts)

    @property
    def reason(self) -> str:
        """The sentence of the evidence with its register ids, or what is wrong; then what else was not read."""
        if self.graded is not None:
            evidence = self.graded.evidence
            return with_doubts(" | ".join((evidence.sentence, *evidence.reasons)), self.doubts)
        return with_doubts("" if self.why_not is None else said(self.why_not), self.doubts)


def with_doubts(why: str, doubts: tuple[Remark, ...]) -> str:
    """A reason, and behind it everything that was told and could not be read."""
    return "; ".join(one for one in (why, *map(said, doubts)) if one) if doubts else why


def said(remark: Remark) -> str:
    """A remark in one line, with its register id; a name that is itself what was found is said once."""
    id_ = REGISTER.get(remark.code)
    about = f"{remark.about}: " if remark.about not in {"", remark.found} else ""
    return f"{id_ + ': ' if id_ else ''}{remark.code}: {about}{remark.found}; expected {remark.expected}"


class Prepared(NamedTuple):
    """A question with everything but its value worked out: the rules, or why there is none."""

    asked: Asked
    rules: tuple[GradingRule, ...]
    setting: Setting | Unmeasurable
    baseline: Baseline
    why_not: Remark | None = None
    doubts: tuple[Remark, ...] = ()


def grade_one(asked: Asked, book: Book) -> tuple[Answer, ...]:
    """One answer for every term that the result feeds (or for the term that was asked for)."""
    return answers(prepare(asked, book), asked.value)


def prepare(asked: Asked, book: Book) -> Prepared:
    """The question without its value: many values can be answered by it."""
    rules = _rules(asked, book)
    if isinstance(rules, Remark):
        return Prepared(asked, (), Unmeasurable(None, rules), NoBaseline.UNKNOWN, rules, asked.doubts)
    analyte = book.analytes[rules[0].analyte]
    limits = limits_of(analyte.key, asked.lln, asked.uln)
    setting = setting_of(analyte, asked.unit, limits)
    baseline, doubts = _baseline(analyte, asked)
    if not any(map(asks_baseline, rules)):
        doubts = ()
    elif isinstance(setting, Unmeasurable):  # a unit that is unknown is said once
        doubts = tuple(one for one in doubts if (one.code, one.found) != (setting.code, setting.found))
    return Prepared(asked, rules, setting, baseline, doubts=(*limits[1], *doubts, *asked.doubts))


def answers(prepared: Prepared, value: str | None) -> tuple[Answer, ...]:
    """The answers for one value."""
    if prepared.why_not is not None:
        return (Answer(prepared.asked.term, None, None, prepared.why_not, prepared.doubts),)
    result = in_setting(prepared.setting, value)
    if isinstance(result, Unmeasurable):
        return tuple(Answer(rule.term, rule.id, None, result.remark, prepared.doubts) for rule in prepared.rules)
    asked, baseline, doubts = prepared.asked, prepared.baseline, prepared.doubts
    return tuple(
        Answer(rule.term, rule.id, grade(rule, result, baseline, asked.facts, asked.lasting), None, doubts)
        for rule in prepared.rules
    )


def asks_baseline(rule: GradingRule) -> bool:
    """Whether the rule compares with the baseline, or chooses its limits by it."""
    return rule.if_baseline is not None or any(
        test.limit == "BASELINE"
        for row in rule.rows.values()
        for _, criterion in row.worst_first
        for test in criterion.comparisons
    )


def _rules(asked: Asked, book: Book) -> tuple[GradingRule, ...] | Remark:
    analyte = None
    if asked.analyte is not None or asked.loinc is not None:
        analyte = book.analyte(loinc=asked.loinc, test=asked.analyte)
        if analyte is None:
            named = asked.loinc or asked.analyte or ""
            return Remark("unknown_analyte", named, named, _tests_like(named, book))
    if asked.term is None:
        return _all_rules(analyte, book)
    term = book.term(asked.term)
    if term is None:
        like = ", ".join(one.name for one in book.suggest(asked.term, _SUGGESTED)) or "a CTCAE v5.0 term"
        return Remark("unknown_term", asked.term, asked.term, like)
    rules = book.rules_of(term.name)
    return _chosen(rules, analyte, asked, book) or Remark(
        "not_computable", term.name, f"no rule{_worse(asked)}", "a term graded from a number (rulebook/README.md)"
    )


def _tests_like(named: str, book: Book) -> str:
    names = {name for one in book.analytes.values() for name in (one.key, one.name)}
    like = alike(named, names, _SUGGESTED)
    return "a LOINC code or test name of the rulebook's analytes" + (f", such as {', '.join(like)}" if like else "")


def _worse(asked: Asked) -> str:
    return f" in which {asked.worse} is worse" if asked.worse else ""


def _all_rules(analyte: Analyte | None, book: Book) -> tuple[GradingRule, ...] | Remark:
    if analyte is None:
        return Remark("unknown_analyte", "", "none of analyte, loinc, term", "one of them")
    return book.rules(analyte.key) or Remark("not_computable", analyte.key, "no rule", "an analyte that a term uses")


def _chosen(
    rules: tuple[GradingRule, ...], analyte: Analyte | None, asked: Asked, book: Book
) -> tuple[GradingRule, ...]:
    """The rule of the term: for the analyte that was named, else the first whose analyte takes the unit."""
    fitting = [rule for rule in rules if asked.worse in {None, rule.worse}]
    if analyte is not None:
        fitting = [rule for rule in fitting if rule.analyte == analyte.key]
    taking = [rule for rule in fitting if asked.unit and book.analytes[rule.analyte].unit_of(asked.unit) is not None]
    return tuple((taking or fitting)[:1])


def _baseline(analyte: Analyte, asked: Asked) -> tuple[Baseline, tuple[Remark, ...]]:
    """The baseline as it was told, and what of it could not be read."""
    if asked.untreated:
        if not asked.baseline:
            return NoBaseline.NOT_YET_TREATED, ()
        found = f"not yet treated, and a baseline of {asked.baseline[:60]}"
        return NoBaseline.UNKNOWN, (Remark("contradiction", "baseline", found, "one of them"),)
    about = f"baseline of {analyte.key}"
    limits = limits_of(about, asked.baseline_lln, asked.baseline_uln)
    baseline = in_setting(
        setting_of(analyte, asked.baseline_unit or asked.unit, limits), asked.baseline, source="baseline"
    )
    if isinstance(baseline, Measured):
        return baseline, limits[1]
    if not (asked.baseline or asked.baseline_unit) or baseline.code == "no_value":
        return NoBaseline.UNKNOWN, limits[1]
    return NoBaseline.UNKNOWN, (*limits[1], baseline.remark._replace(about=about))


def remarks(answers: tuple[Answer, ...]) -> Iterator[Remark]:
    """What a person should clear up about the result, beside its grades."""
    for answer in answers[:1]:
        about: tuple[Remark, ...] = () if answer.why_not is None else (answer.why_not,)
        if answer.graded is not None:
            about = answer.graded.case.measured.remarks
        yield from dict.fromkeys((*about, *answer.doubts))
