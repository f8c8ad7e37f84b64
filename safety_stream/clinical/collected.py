"""The facts of one subject, collected in any order and with nothing concluded from them until all are told.

For questions about the end alone: ``conclude`` says of the facts what step after step would have come to.
"""

from safety_stream.clinical.events import Acknowledged, AdverseEvent, Measurement, SubjectEvent
from safety_stream.clinical.memory import remember_fact, remember_report, series_keys
from safety_stream.clinical.record import Header, Report, Series, SubjectRecord, report_page
from safety_stream.clinical.renamed import is_first, on_each_page
from safety_stream.clinical.result import Result, result_of
from safety_stream.clinical.versions import settle_result
from safety_stream.rulebook.tables import Book


class Collected:
    """What stands of everything told of one subject so far, by the records it came from."""

    def __init__(self, study: str, subject: str) -> None:
        self._header = Header(study, subject)
        self._results: dict[str, dict[str, Result]] = {}
        self._reports: dict[str, Report] = {}
        self._retold: set[str] = set()

    def take(self, event: SubjectEvent, book: Book) -> None:
        """One more event; the same again, or an older version, changes nothing."""
        if isinstance(event, Measurement):
            self._take_result(result_of(event), book)
        elif isinstance(event, AdverseEvent):
            name = report_page(event.source.record)
            self._reports[name] = remember_report(self._reports.get(name) or Report(""), event).page
        elif not isinstance(event, Acknowledged):
            self._header = remember_fact(self._header, event).page

    def _take_result(self, told: Result, book: Book) -> None:
        keys = series_keys(told, book)
        versions = dict.fromkeys(keys, told)
        if not is_first(told):
            self._retold.add(told.record)
        if told.record in self._retold:
            names = {*keys, *(key for key, held in self._results.items() if told.record in held)}
            versions = on_each_page(told, {key: self._results.get(key, {}).get(told.record) for key in names}, book)
        for key, one in versions.items():
            held = self._results.setdefault(key, {})
            held[told.record] = settle_result(held.get(told.record), one)

    @property
    def record(self) -> SubjectRecord:
        """The subject's record, of which nothing was concluded yet."""
        series = {key: Series(key, tuple(results.values())) for key, results in self._results.items()}
        header = self._header
        return SubjectRecord(header.study, header.subject, header, series, reports=self._reports)
