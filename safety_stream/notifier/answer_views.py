"""What the answer page shows: the alert as the mail tells it, the form, or why there is none. In the reader's words."""

from dataclasses import dataclass, field, replace
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from safety_stream.alerting.cleaning import clean
from safety_stream.alerting.entries import Language
from safety_stream.alerting.letter import Letter, letter
from safety_stream.alerting.letter import Standing as Reading
from safety_stream.alerting.load_answer_words import Words, answer_words
from safety_stream.alerting.phrases import instant
from safety_stream.alerting.read_back import read_back
from safety_stream.notifier.answers import Standing

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """For whom a page is drawn: the language, and whether the mail named a subject and clinical detail."""

    language: Language = "en"
    pooled: bool = False
    full: bool = True

    @property
    def words(self) -> Words:
        """The words of the page."""
        return answer_words()[self.language]

    @property
    def sees_subject(self) -> bool:
        """Whether the reader's mail had the subject number."""
        return self.full and not self.pooled


@dataclass(frozen=True, slots=True)
class Given:
    """What was filled in, kept when something else is missing. ``signed_in``: a proxy says who it is."""

    by: str = ""
    response: str = ""
    why: str = ""
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked."""

    token: str
    read_back: str
    decides: bool
    given: Given = field(default_factory=Given)


@dataclass(frozen=True, slots=True)
class View:
    """One page."""

    title: str
    language: Language
    words: Words
    lines: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    more: tuple[Fact, ...] = ()
    form: Form | None = None


class AnswerViews:
    """Draws the pages."""

    def __init__(self) -> None:
        source = files("safety_stream.notifier").joinpath("answer_page.html.j2").read_text(encoding="utf-8")
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(source)

    def draw(self, view: View, nonce: str) -> str:
        """The page as HTML."""
        return self._template.render(page=view, words=view.words, nonce=nonce)

    def of(self, standing: Standing, look: Look, token: str, given: Given) -> View:
        """The alert with the form, while there is something to answer or decide."""
        course = standing.course
        decides = course.ladder.decide_within is not None and course.state in {"open", "acknowledged"}
        asked = look.words[f"read_back_{read_back(standing.alert, look.sees_subject).asked}"]
        form = Form(token, look.words["read_back"].format(what=asked), decides, given)
        page = self.shown(standing, look)
        return replace(page, form=form) if course.state == "open" or decides else page

    def shown(self, standing: Standing, look: Look, *said: str) -> View:
        """The alert without a form."""
        alert, words = standing.alert, look.words
        title = words["page_title"].format(id=alert.id, revision=alert.revision)
        lines = (*(words[name] for name in said), *_where(standing, words))
        read = letter(alert, Reading(standing.course.step_at, language=look.language, pooled=look.pooled))
        more = _clinical(standing, (*read.who, *read.facts)) if look.full else ()
        return View(title, look.language, words, lines, _first(standing, read, look), more)

    def turned(self, said: str, look: Look) -> View:
        """Why there is nothing to see."""
        return View(look.words["not_taken"], look.language, look.words, (look.words[said],))


def _where(standing: Standing, words: Words) -> tuple[str, ...]:
    course = standing.course
    if course.state == "open":
        return ()
    if course.answered_at is not None and course.answered_by:
        name = "state_decided" if course.state == "adjudicated" else "state_answered"
        return (words[name].format(by=clean(course.answered_by), time=instant(course.answered_at)),)
    return (words["state_withdrawn" if course.state == "withdrawn" else "state_closed"],)


def _first(standing: Standing, read: Letter, look: Look) -> tuple[Fact, ...]:
    """What a reader needs before anything else: what, how urgent, by when."""
    course, words = standing.course, look.words
    what = ((words["what"], read.headline), (words["kind"], read.title)) if look.full else ()
    level = words["level_of"].format(level=course.level, levels=course.ladder.levels)
    deadline = ((words["answer_by"], read.answer_by),) if read.answer_by else ()
    urgency = ((words["urgency"], read.words["urgency"]),)
    return (*_clinical(standing, what), *urgency, *deadline, (words["level"], level))


def _clinical(standing: Standing, told: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Facts as the mail tells them, but for what is to be read back from it."""
    hidden = standing.alert.subject
    return tuple((label, value) for label, value in told if hidden is None or hidden not in value)
