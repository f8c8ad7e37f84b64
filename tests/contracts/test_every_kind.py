"""A new kind of finding has its place wherever kinds are listed."""

from typing import get_args

from safety_stream.clinical.findings import AnyFinding
from safety_stream.contracts import concluded
from safety_stream.sandbox import summary
from safety_stream.worker.metrics import FINDINGS

KINDS = {one.model_fields["kind"].default for one in get_args(get_args(AnyFinding)[0])}


def test_every_kind_is_counted_named_and_has_an_example() -> None:
    """The worker's metric, the summary of the demo and the examples of the contract know every kind."""
    assert set(FINDINGS) == KINDS
    assert summary._NAMES.keys() == KINDS
    shown = [*concluded.CHANGES, concluded.ADVICE_CHANGE, concluded.STAGGER_CHANGE, concluded.TALLY_CHANGE]
    assert {one.finding.kind for one in shown} == KINDS
