"""A record is one result though its versions name different analytes: the last one stands, on the page it names.

    lis|X v1   potassium 7.3      K     v1      v2, elsewhere: what was concluded from v1 is withdrawn
    lis|X v2   magnesium 0.9      MG            v2

Each page that ever held a version of such a record holds the last one; on a page that this is not of it does not stand.
Two analytes under one last version stand both, since nothing says which is wrong, and are asked about.

A final first version looks at no other page: an index tells the records of which anything else was ever told, and only
a result under one of these is looked for on the other pages. One index is one page, written when a record joins it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from safety_stream.clinical.memory import series_key, series_keys
from safety_stream.clinical.record import INDEX, REPORT, RETOLD, Index, SubjectRecord
from safety_stream.clinical.result import Result
from safety_stream.clinical.shelf import is_listed, listed_too, mark_of
from safety_stream.clinical.stored import PagesLacking
from safety_stream.clinical.versions import settle_result
from safety_stream.rulebook.tables import Book

PAGE: Final = RETOLD + INDEX


def is_first(told: Result) -> bool:
    """Whether a result is told as almost every one is: once, final."""
    return told.version == 1 and told.status == "final"


def is_retold(record: SubjectRecord, told: Result) -> bool:
    """Whether anything else than a final first version was ever told under the record of a result, now or before."""
    return not is_first(told) or (record.header.retold and is_listed(_index(record), told.record))


def listing_retold(record: SubjectRecord, told: Result) -> Index | None:
    """The index with the record of a result in it; None: it is as it was."""
    if is_first(told):
        return None
    index = _index(record)
    return None if is_listed(index, told.record) else listed_too(index, (mark_of(told.record),))


def other_pages(record: SubjectRecord, told: Result, own: Collection[str]) -> tuple[str, ...]:
    """The pages, beside its own, that hold a version of the record of a result. Raises PagesLacking."""
    known = {*record.header.digests, *record.series}
    names = sorted(name for name in known if not name.startswith(REPORT) and name not in own)
    _check_loaded(name for name in names if name not in record.series)
    long = [name for name in names if record.series[name].sealed or record.series[name].sealing]
    _check_loaded(name + INDEX for name in long if name + INDEX not in record.indexes)
    return tuple(name for name in names if _holds(record, name, told.record))


def on_each_page(told: Result, held: Mapping[str, Result | None], book: Book) -> dict[str, Result]:
    """What each of the pages of a record holds from now on; ``held``: what it held so far, None: no version."""
    every = [told, *(one for one in held.values() if one is not None)]
    names = sorted({series_key(one, book) for one in every}.union(*(one.named for one in every)))
    named = tuple(names) if len(names) > 1 else ()
    return {key: _on_page(key, held[key], [one._replace(named=named) for one in every], book) for key in held}


def _on_page(key: str, held: Result | None, every: Iterable[Result], book: Book) -> Result:
    stands = held
    for one in every:
        elsewhere = key not in series_keys(one, book)
        stands = settle_result(stands, one if one.elsewhere == elsewhere else one._replace(elsewhere=elsewhere))
    assert stands is not None  # noqa: S101  # what is told now is among them
    return stands


def _index(record: SubjectRecord) -> Index:
    index = record.indexes.get(PAGE)
    if index is None:
        raise PagesLacking([PAGE])
    return index


def _check_loaded(lacking: Iterable[str]) -> None:
    if names := list(lacking):
        raise PagesLacking(names)


def _holds(record: SubjectRecord, name: str, source: str) -> bool:
    index = record.indexes.get(name + INDEX)
    here = any(one.record == source for one in record.series[name].results)
    return here or (index is not None and is_listed(index, source))
