"""What is remembered between two results of one analyte, so that the next one costs the same however long the history.

A fold is a function of the results so far, in order of observation, and of the frame. It is kept on the page and
carried on by ``episodes.advance``; whenever a result arrives late, is corrected or the frame changes, it is folded
anew from the first result. Types only.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from safety_stream.clinical.conclusion import Evidence, GradeRange
from safety_stream.clinical.moment import Moment
from safety_stream.clinical.result import Result, Turn
from safety_stream.clinical.running import Clock, Depths, Joining, Observed, Spell, Watched


class Seen(NamedTuple):
    """One sample as it will be shown to a physician."""

    observed_at: Moment
    value: str
    unit: str | None
    grade: GradeRange
    source: str


class Stretch(NamedTuple):
    """A run of samples at ``grade`` or above inside one episode, or perhaps so, with the samples on either side of it.

    ``known``: its first and last sample that surely are, with none between that may be lower; of several such stretches
    the longest. ``going``: the present one, unless the last sample may be lower. ``source``: of the sample
    that began it.
    """

    grade: int
    first: Moment
    last: Moment
    sure: bool
    before: Moment | None = None
    after: Moment | None = None
    known: tuple[Moment, Moment] | None = None
    going: tuple[Moment, Moment] | None = None
    source: str = ""


class Shows(NamedTuple):
    """The result that a time at a grade tells."""

    observed_at: Moment
    grade: GradeRange
    alerting: int
    provisional: bool
    evidence: Evidence


class AtGrade(NamedTuple):
    """One time at a grade inside an episode, until a sample surely two grades lower.

    ``first``: its first sample, ``unexpected`` the first that no band of the protocol expects, each with its source.
    ``emergent_peak``: its worst grade after treatment began.
    """

    grade: int
    first: tuple[Moment, str]
    last: Moment
    shows: Shows
    unexpected: tuple[Moment, str] | None = None
    emergent_peak: GradeRange | None = None
    over: bool = False


class Episode(NamedTuple):
    """One episode of one rule in the making.

    ``began``: its onset against the first treatment. ``above_floor``: it has risen above the grade before treatment.
    ``risen``: the results between which the grade jumped.
    ``emergent_peak``: its peak among the samples after treatment began.
    """

    number: int
    onset: Moment
    last_observed: Moment
    current: GradeRange
    peak: GradeRange
    alerting: int
    peak_observed: Moment
    provisional: bool
    evidence: Evidence
    began: Literal["before", "unclear", "after"]
    above_floor: bool = False
    emergent_peak: GradeRange | None = None
    resolved: Moment | None = None
    closed: bool = False
    stretches: tuple[Stretch, ...] = ()
    readings: tuple[Seen, ...] = ()
    risen: tuple[Seen, Seen] | None = None
    times: tuple[AtGrade, ...] = ()


class RuleFold(NamedTuple):
    """One grading rule on one analyte: the open episode, how many there were, the worst grade before treatment."""

    episodes: int = 0
    open: Episode | None = None
    before: GradeRange | None = None
    floor: int = 0
    treated: bool = False
    baseline: Seen | None = None
    recent: tuple[Seen, ...] = ()
    clock: Clock | None = None


class Judged(NamedTuple):
    """The last judgement of one eligibility criterion in one phase; of one that is met only that it is."""

    criterion: str
    phase: Literal["screening", "before_infusion", "after_infusion"]
    infusion: int
    met: bool | None
    value: str | None
    unit: str | None
    limit: str
    distance: str | None
    to_pass: str
    observed_at: Moment
    source: str
    reasons: tuple[str, ...] = ()
    screening: int = 1


class Flood(NamedTuple):
    """One question about the data, however many records raise it."""

    code: str
    about: str
    found: str
    expected: str
    times: int
    sources: tuple[str, ...]


class Mark(NamedTuple):
    """A result that meets, or may meet, one clause of a composite; ``multiple``: of its ULN, where both are exact."""

    clause: str
    earliest: datetime
    latest: datetime
    sure: bool
    words: str
    source: str
    page: str = ""
    multiple: Decimal | None = None
    preliminary: bool = False


class Fold(NamedTuple):
    """Everything remembered of one series.

    ``last``: where the last result stands in order; ``point``: its time point, where results are judged jointly;
    ``baseline``: the results of the time point that is the baseline; ``other``: by the other reading of it (G9);
    ``aside``: marks that bound no run yet.
    """

    last: Turn | None = None
    point: str = ""
    rules: Mapping[str, RuleFold] = {}  # never changed: a fold is a value
    judged: Mapping[str, Judged] = {}  # never changed: a fold is a value
    floods: Mapping[str, Flood] = {}  # never changed: a fold is a value
    marks: tuple[Mark, ...] = ()
    baseline: tuple[Result, ...] = ()
    watched: Mapping[str, Watched] = {}  # never changed: a fold is a value
    joining: Mapping[str, Joining] = {}  # never changed: a fold is a value
    other: tuple[Result, ...] = ()
    depths: Depths = Depths()
    observed: Observed = Observed()
    aside: tuple[Mark, ...] = ()


class Expedited(NamedTuple):
    """When the sponsor first knew what asks for an expedited report, and the first report sent from then on."""

    known: datetime
    sent: datetime | None


class SeriousCase(NamedTuple):
    """What the reporting clocks ask of one adverse event that was ever told as serious.

    ``sponsor_at``: the first report of it as serious; ``sponsor_told``: one of it at all. ``susar``, ``grave_susar``:
    None where it was never told as suspected and unexpected, or never as fatal or life-threatening. ``judged_since``:
    the judgement told now by which it is no SUSAR.
    """

    record: str
    source: str
    term: str
    serious_at: datetime
    serious: bool
    grave: bool
    sponsor_at: datetime | None
    sponsor_told: bool
    susar: Expedited | None
    grave_susar: Expedited | None
    judged_since: str | None = None


class GradedEpisode(NamedTuple):
    """One laboratory episode that is, or may be, of grade 3 or more.

    ``owed``: surely so, after treatment began and beyond the expected band: then a report of it is owed. ``since``: for
    each of the grades 3 and 4 that it surely came to under treatment its first sample, and its first moment beyond what
    is expected. ``record``: of the result at its peak.
    """

    id: str
    term: str
    grade: int
    highest: int
    owed: bool
    onset: Moment
    peak: Moment
    last: Moment
    number: int
    since: tuple[tuple[int, Moment, Moment | None], ...] = ()
    record: str = ""


class ToldEvent(NamedTuple):
    """What a report says of a term: to be compared with the laboratory. ``ongoing``: it is not told to be over."""

    term: str
    grade: int | None
    onset: Moment | None
    resolved: Moment | None
    reported_at: datetime
    source: str
    ongoing: bool = True


class Digest(NamedTuple):
    """What the header knows of another page: all that the subject's status and composites need.

    ``observe``: until when a possible DLT has to be watched, and why. ``began``: the earliest that a reported event can
    have begun; ``died``: between which instants it killed. ``holds``: something on the page stands. ``worst``: of what
    is or may be treatment-emergent, ``unclear`` where it is not known; ``grade``: of a reported event, as far as it is
    decided.
    """

    worst: GradeRange | None = None
    dlts: tuple[tuple[str, str], ...] = ()
    grade: GradeRange | None = None
    serious: bool = False
    judged: tuple[Judged, ...] = ()
    marks: tuple[Mark, ...] = ()
    joined: tuple[tuple[str, tuple[Spell, ...]], ...] = ()
    case: SeriousCase | None = None
    graded: tuple[GradedEpisode, ...] = ()
    told: ToldEvent | None = None
    observe: tuple[date, str] | None = None
    began: datetime | None = None
    died: tuple[datetime, datetime] | None = None
    followed: Literal["", "perhaps", "yes"] = ""
    depths: Depths = Depths()
    observed: Observed = Observed()
    holds: bool = False
    unclear: bool = False
