"""The report on trials of known truth: how often each way of judging was right, how soon, and why not always."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from safety_stream.sandbox.matching import SOON


@dataclass(slots=True)
class Score:
    """Counts over all trials of one question asked of one way of judging."""

    true: int = 0
    right: int = 0
    false: int = 0
    missed: int = 0

    def add(self, truth: frozenset[object], said: frozenset[object]) -> None:
        """One more trial."""
        self.true += len(truth)
        self.right += len(truth & said)
        self.missed += len(truth - said)
        self.false += len(said - truth)

    @property
    def sentence(self) -> str:
        """Sensitivity and precision with their counts."""
        said = self.right + self.false
        sensitivity, precision = _share(self.right, self.true), _share(self.right, said)
        return f"sensitivity {sensitivity} ({self.right}/{self.true}), precision {precision} ({self.right}/{said})"


@dataclass(slots=True)
class Report:
    """The scores of all trials."""

    trials: int = 0
    subjects: int = 0
    events: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    after: dict[str, list[timedelta]] = field(default_factory=dict)
    only_naive: Counter[str] = field(default_factory=Counter)

    def add(self, question: str, truth: Iterable[object], said: Iterable[object]) -> None:
        """One trial's answer to one question."""
        self.scores.setdefault(question, Score()).add(frozenset(truth), frozenset(said))

    def lines(self) -> Iterator[str]:
        """The report in words."""
        yield f"{self.trials} trials, {self.subjects:,} subjects, {self.events:,} events"
        yield from (f"{question}: {score.sentence}" for question, score in self.scores.items())
        yield "alerts of grade 3 or more: " + ", ".join(f"{count:,} {name}" for name, count in self.alerts.items())
        yield from (_soon(name, sorted(each)) for name, each in self.after.items())
        yield f"told by the naive rule and missed by ours: {self.only_naive.total()}"
        yield from (f"  {count:4}  {reason}" for reason, count in self.only_naive.most_common())
        yield "where ours is not the truth, and what had gone wrong:"
        yield from (f"  {count:4}  {reason}" for reason, count in self.why.most_common())


def _soon(name: str, after: list[timedelta]) -> str:
    """How soon the true alerts were sent, from the first moment at which the course was alarming."""
    hour, soon = timedelta(hours=1), sum(one <= SOON for one in after)
    middle = f", the median after {after[len(after) // 2] / hour:.0f} h" if after else ""
    return f"of these told within {SOON / hour:.0f} h of the beginning, {name}: {_share(soon, len(after))}{middle}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
