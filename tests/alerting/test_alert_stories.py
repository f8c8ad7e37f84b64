"""The stories of tests/scenarios/alerts, told step by step: what a clinician expects to stand and to be sent."""

from pathlib import Path
from typing import Any

import pytest
from stories import FAR, Played, bundled
from telling import Telling, stories

from safety_stream.clinical import subject

STORIES = stories(Path(__file__).parent.parent / "scenarios" / "alerts")


def _told(story: Any) -> Telling:
    telling = Telling()
    for step in story["story"]:
        telling.step(step)
    return telling


@pytest.mark.parametrize("name", STORIES)
def test_the_story_goes_as_it_is_told(name: str) -> None:
    """After each step exactly what the story tells stands, and exactly the alerts it tells were sent."""
    telling = Telling()
    for step in STORIES[name]["story"]:
        telling.step(step)
        where = f"{name}, day {step['day']}"
        if "then" in step:
            assert telling.unlike(step["then"]) == [], where
        assert telling.alerts() == sorted(step.get("alerts", [])), where


@pytest.mark.parametrize("name", STORIES)
def test_the_story_told_backwards_ends_the_same(name: str) -> None:
    """The same events in reverse order, each of them twice, and with every page through the store, end the same."""
    told = _told(STORIES[name])
    told.record = subject.step(told.record, None, bundled(), FAR).record  # time alone moves the reporting clocks
    backwards = list(reversed(told.events))
    assert Played(backwards).findings == told.findings
    assert Played([event for event in backwards for _ in range(2)], stored=True).findings == told.findings
    assert dict(subject.conclude(told.record, bundled(), FAR).findings) == told.findings


def test_a_story_that_leaves_something_out_is_found_out() -> None:
    """The stories are checked both ways: what stands untold is wrong, and so is what is told and does not stand."""
    telling = Telling()
    telling.step({"day": "-20", "happens": ["screened", {"lab": "PLAT 49"}]})
    assert len(telling.unlike("nothing")) == 2
    told = [{"toxicity": {"grade": "3"}}, {"eligibility": {"criterion": "platelets"}}]
    assert telling.unlike(told) == []
    assert len(telling.unlike([*told, {"query": {"code": "no_value"}}])) == 1
