"""What the answer page shows: the alert, the form, or why there is none."""

from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from safety_stream.alerting.cleaning import SENTENCE_LENGTH, clean
from safety_stream.alerting.notes import read_back, title_of
from safety_stream.alerting.wording import instant
from safety_stream.notifier.answers import Outcome, Standing

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked. ``name``: who is signed in, or nothing: the form asks."""

    token: str
    read_back: str
    name: str
    decides: bool


@dataclass(frozen=True, slots=True)
class View:
    """One page."""

    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    form: Form | None = None


class AnswerViews:
    """Draws the pages."""

    def __init__(self) -> None:
        source = files("safety_stream.notifier").joinpath("answer_page.html.j2").read_text(encoding="utf-8")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(source)

    def draw(self, view: View, nonce: str) -> str:
        """The page as HTML."""
        return self._template.render(page=view, nonce=nonce)

    def of(self, standing: Standing, token: str, name: str, full: bool) -> View:
        """The alert with the form, while there is something to answer or decide."""
        course, alert = standing.course, standing.alert
        decides = course.ladder.decide_within is not None and course.state in {"open", "acknowledged"}
        form = Form(token, read_back(alert)[0], name, decides) if course.state == "open" or decides else None
        return View(_title(standing), _where(standing), _facts(standing, full), form)

    def thanks(self, standing: Standing, outcome: Outcome, full: bool) -> View:
        """After an answer: what is on record now."""
        first = {"taken": "Your answer is on record.", "known": "This answer was on record already."}
        lines = (first.get(outcome, "There was nothing left to answer."), *_where(standing))
        return View(_title(standing), lines, _facts(standing, full))

    def turned(self, said: str, standing: Standing | None, full: bool) -> View:
        """Why there is nothing to answer here; the newer revision where that is the reason."""
        if standing is None:
            return View("No answer was taken", (said,))
        return View(_title(standing), (said, *_where(standing)), _facts(standing, full))


def _title(standing: Standing) -> str:
    return f"Alert {standing.alert.id}, revision {standing.alert.revision}"


def _where(standing: Standing) -> tuple[str, ...]:
    course = standing.course
    if course.state == "withdrawn":
        return ("This alert was withdrawn.",)
    if course.answered_at is not None and course.answered_by and course.state != "open":
        return (f"{course.state.capitalize()}: {clean(course.answered_by)}, {instant(course.answered_at)}.",)
    return () if course.state == "open" else ("No answer is asked.",)


def _facts(standing: Standing, full: bool) -> tuple[Fact, ...]:
    alert, course = standing.alert, standing.course
    facts: list[Fact] = [("Urgency", alert.urgency)]
    if course.step_at is not None:
        facts.append(("Answer by", instant(course.step_at)))
    facts.append(("Level", f"{course.level} of {course.ladder.levels}"))
    if full:
        told = ((clean(label), clean(value, SENTENCE_LENGTH)) for label, value in alert.facts if label != "Subject")
        facts += [("What", title_of(alert)), ("Headline", clean(alert.headline, SENTENCE_LENGTH)), *told]
    return tuple(facts)
