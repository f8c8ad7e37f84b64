"""Why what was concluded no longer stands though every result that it rested on does: another one rules it out.

    ALT 150, bilirubin 50, no ALP        Hy's law is possible
    ALP 300 of the same day comes        ruled out: ALP 300 U/L >= 2 x ULN; R = 1.25
    ALT 150 is corrected to 15           not this: what made it was taken back; so it is if the ALP told is corrected
    fever, no neutrophils; then 3.2      febrile neutropenia of grade 0 to 3: ruled out by the neutrophils

Told of the change alone, so that the same revision says the same whenever it is derived again.
"""

from collections.abc import Mapping

from safety_stream.clinical.composites import Together, all_marks, answer_of, rules_out
from safety_stream.clinical.composites_met import ratio_of
from safety_stream.clinical.conclusion import record_of
from safety_stream.clinical.events import Measurement
from safety_stream.clinical.findings import FindingChange
from safety_stream.clinical.findings_measured import CompositeMet, Toxicity
from safety_stream.clinical.findings_reported import DoseLimitingToxicity
from safety_stream.clinical.fold import Digest, Mark
from safety_stream.clinical.frame import Frame
from safety_stream.clinical.memory import series_key
from safety_stream.clinical.toxicities import SEVERE
from safety_stream.rulebook.tables import Book


def with_what_rules_them_out(
    changes: tuple[FindingChange, ...], frame: Frame, digests: Mapping[str, Digest]
) -> tuple[FindingChange, ...]:
    """The same changes; of a composite that is withdrawn, and of its DLT, the result that rules it out, if one does."""
    gone = [one.finding for one in changes if one.change == "withdrawn" and isinstance(one.finding, CompositeMet)]
    if not gone:
        return changes
    marks = all_marks({page: digest.marks for page, digest in digests.items()})
    answers = {one.id: said for one in gone if (said := _answer(one, marks, frame)) is not None}
    return tuple(_told(one, answers) for one in changes) if answers else changes


def with_the_result_that_decides(
    changes: tuple[FindingChange, ...], result: Measurement, book: Book, *, renamed: bool = False
) -> tuple[FindingChange, ...]:
    """The same changes; of what is withdrawn what the result says: corrected itself, or new, and a grade is decided.

    ``renamed``: other versions of it name another analyte.
    """
    if all(one.change != "withdrawn" for one in changes):
        return changes
    said = f"{_name(result, book)} {_said(result)}" if renamed else _said(result)
    return tuple(_with_result(one, result, book, said) if one.change == "withdrawn" else one for one in changes)


def _with_result(change: FindingChange, result: Measurement, book: Book, corrected: str) -> FindingChange:
    finding = change.finding
    is_gone = result.status == "entered-in-error"
    if result.source.record in {record_of(one.source) for one in finding.evidence.inputs if one.source}:
        said = "entered in error" if is_gone else f"corrected to {corrected}"
        return change.model_copy(update={"corrected": said})
    if isinstance(finding, Toxicity) and finding.peak.lowest < SEVERE <= finding.alerting_grade and not is_gone:
        return change.model_copy(update={"ruled_out": f"{_name(result, book)} {_said(result)}"})
    return change


def _name(result: Measurement, book: Book) -> str:
    analyte = book.analytes.get(series_key(result, book))
    return analyte.name if analyte is not None else result.test or result.loinc or ""


def _said(result: Measurement) -> str:
    return " ".join(one for one in (result.value, result.unit) if one is not None) or "no value"


def _told(change: FindingChange, answers: Mapping[str, str]) -> FindingChange:
    if change.change != "withdrawn":
        return change
    finding = change.finding
    about = finding.about if isinstance(finding, DoseLimitingToxicity) else (finding.id,)
    said = next((answers[one] for one in about if one in answers), None)
    return change.model_copy(update={"ruled_out": said}) if said else change


def _answer(finding: CompositeMet, marks: tuple[Mark, ...], frame: Frame) -> str | None:
    """What the result that rules it out says, with the ratio; None: what made it, or could not, is corrected."""
    composite = frame.version.composites.get(finding.composite)
    if composite is None or composite.unless is None:
        return None
    wanted = {f"{finding.composite}/{clause.name}/yes" for clause in composite.all_of}
    told = {(one.source, one.value) for one in finding.evidence.inputs}
    made = tuple(sorted(one for one in marks if one.clause in wanted and (one.source, one.words) in told))
    if {one.clause for one in made} != wanted:
        return None
    answer = answer_of(finding.composite, composite.unless, made, marks, composite.within.length)
    if answer is None or rules_out(answer, made) is not True:
        return None
    if record_of(answer.source) in {record_of(source) for source, _ in told if source}:
        return None
    ratio = ratio_of(Together(finding.composite, composite, made, sure=True, reasons=()), marks, frame)
    return f"{answer.words}; {ratio}" if ratio else answer.words
