"""The routing file: read strictly, every problem at once, each person told once."""

from pathlib import Path

import alerts_made as made
import findings_made
import pytest

from safety_stream.alerting.catalogue import CATALOGUE
from safety_stream.errors import ConfigurationError
from safety_stream.notifier.routing import Recipient, Routing, load_routing
from safety_stream.rulebook.written import Role

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "alerting.yaml"


def written(tmp_path: Path, text: str) -> Path:
    """The text as a file."""
    file = tmp_path / "alerting.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_example_names_somebody_for_every_alert() -> None:
    """deploy/alerting.yaml is complete: no alert type would reach nobody."""
    routing = load_routing(EXAMPLE)
    assert all(routing.recipients(alert) for alert in made.one_of_each())
    roles = {role for told in CATALOGUE.values() for level in told.levels for role in level}
    assert set(routing.people["*"]) >= roles


def test_one_person_in_two_roles_is_told_once() -> None:
    """A DLT goes to safety physician and medical monitor; who is both gets one message."""
    both = Recipient("email", "lee@example.org", "Dr Lee")
    routing = Routing({"*": {"safety_physician": (both,), "medical_monitor": (both,)}})
    assert routing.recipients(made.sent(findings_made.dose_limiting_toxicity())) == (both,)


def test_a_studys_own_line_replaces_the_general_one() -> None:
    """The study names its own safety physician: the general one is not told; other studies keep theirs."""
    general, own = Recipient("email", "a@example.org"), Recipient("email", "b@example.org")
    routing = Routing({"*": {"safety_physician": (general,)}, findings_made.STUDY: {"safety_physician": (own,)}})
    alert = made.sent(findings_made.toxicity(4))
    assert routing.recipients(alert) == (own,)
    assert routing.recipients(alert.model_copy(update={"study": "OTHER"})) == (general,)


def test_a_watch_limit_goes_to_the_roles_of_the_protocol() -> None:
    """The protocol names the medical monitor; where nobody stands behind that role, the catalogue's role is told."""
    physician, monitor = Recipient("email", "a@example.org"), Recipient("email", "b@example.org")
    alert = made.sent(findings_made.watch_limit())
    people: dict[Role, tuple[Recipient, ...]] = {"safety_physician": (physician,)}
    assert Routing({"*": {**people, "medical_monitor": (monitor,)}}).recipients(alert) == (monitor,)
    assert Routing({"*": people}).recipients(alert) == (physician,)
    assert Routing({"*": people}).recipients(alert, 2) == ()


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Unknown role, unknown channel, no address, wrong shape and the roles that nobody holds: one list."""
    file = written(
        tmp_path,
        """
time_zone: Asia/Hangzhou
people:
  "*":
    safety_physician: [{email: nobody}, {pigeon: a@example.org}, plain]
    medical_monitor: a@example.org
    janitor: [{email: a@example.org}]
    operator: [{email: "Dr \\r\\nBcc: eve@example.org"}]
  OTHER: 7
""",
    )
    with pytest.raises(ConfigurationError) as refused:
        load_routing(file)
    told = "\n".join(refused.value.problems)
    for part in (
        "safety_physician[0]: 'nobody' is no mail address",
        "safety_physician[1]: no channel 'pigeon'",
        "safety_physician[2]: expected one 'channel: address'",
        "medical_monitor: expected a list",
        "janitor: no such role",
        "people.OTHER: expected roles",
        "data_manager: nobody is named",
        "sponsor_safety: nobody is named",
        "operator[0]",
        "time_zone: 'Asia/Hangzhou' is no time zone",
    ):
        assert part in told


@pytest.mark.parametrize("text", ["", "people:", "people: []", "a: [", "people: {'*': {}, '*': {}}", "\x00"])
def test_a_file_that_is_no_routing_is_refused(tmp_path: Path, text: str) -> None:
    """Empty, of another shape, broken or with a key twice: a sentence with the file's name, never a traceback."""
    with pytest.raises(ConfigurationError, match=r"alerting\.yaml"):
        load_routing(written(tmp_path, text))


LANGUAGES = """
language: en
languages: {OTHER: zh, site_investigator: zh, medical_monitor: en}
people:
  "*":
    safety_physician: [{email: lee@example.org}]
    safety_physician_backup: [{email: wang@example.org, language: zh}]
    medical_monitor: [{email: monitor@example.org}]
    sponsor_safety: [{webhook: "https://alerts.example.org/hook"}]
    dsmb_chair: [{email: chair@example.org}]
    site_investigator: [{email: site@example.org}]
    data_manager: [{email: data@example.org}]
    operator: [{webhook: "http://127.0.0.1:8080/hook"}]
  OTHER:
    site_investigator: [{email: chair@example.org}]
"""


@pytest.mark.parametrize(
    ("address", "study", "language"),
    [
        ("email:lee@example.org", "ONE", "en"),
        ("email:lee@example.org", "OTHER", "zh"),
        ("email:wang@example.org", "ONE", "zh"),
        ("email:monitor@example.org", "OTHER", "en"),
        ("email:site@example.org", "ONE", "zh"),
    ],
)
def test_the_nearest_word_on_a_language_counts(tmp_path: Path, address: str, study: str, language: str) -> None:
    """The person's own, then the role's, then the study's, then everybody's."""
    routing = load_routing(written(tmp_path, LANGUAGES))
    channel, _, place = address.partition(":")
    assert routing.language_of(Recipient(channel, place), study) == language


def test_who_sits_on_the_safety_board_alone_is_sent_pooled_data(tmp_path: Path) -> None:
    """The chair sees no subject; in a study where the chair also investigates, they do; a physician always does."""
    routing = load_routing(written(tmp_path, LANGUAGES))
    chair, physician = Recipient("email", "chair@example.org"), Recipient("email", "lee@example.org")
    assert routing.is_pooled(chair, "ONE")
    assert not routing.is_pooled(chair, "OTHER")
    assert not routing.is_pooled(physician, "ONE")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{webhook: 'http://alerts.example.org/hook'}", "is no https address"),
        ("{webhook: 'https://'}", "is no https address"),
        ("{webhook: 'https://[broken/'}", "is no https address"),
        ("{webhook: 'file:///etc/passwd'}", "is no https address"),
        ("{email: a@example.org, language: tlh}", "'tlh' is no language"),
        ("{language: zh}", "expected one 'channel: address'"),
    ],
)
def test_a_webhook_in_the_open_or_an_unknown_language_is_refused(tmp_path: Path, line: str, says: str) -> None:
    """Clinical detail goes over https only (http to this machine alone); a language we do not write is no default."""
    text = LANGUAGES.replace("safety_physician: [{email: lee@example.org}]", f"safety_physician: [{line}]")
    with pytest.raises(ConfigurationError) as refused:
        load_routing(written(tmp_path, text))
    assert any(says in problem for problem in refused.value.problems)


def test_languages_of_nobody_are_named(tmp_path: Path) -> None:
    """A role or study that does not exist, and a list in place of a mapping."""
    text = LANGUAGES.replace("OTHER: zh, site", "JANITOR: zh, site")
    with pytest.raises(ConfigurationError, match=r"languages\.JANITOR: no such role or study"):
        load_routing(written(tmp_path, text))
    text = LANGUAGES.replace("{OTHER: zh, site_investigator: zh, medical_monitor: en}", "[zh]")
    with pytest.raises(ConfigurationError, match="languages: expected a role or study"):
        load_routing(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"people: &a [{'x, ' * 100}]\nb: &b [{'*a, ' * 100}]\nc: [{'*b, ' * 100}]",
            "200,000 values",
        ),
        ("people: " + "[" * 60 + "]" * 60, "nested more than 50 deep"),
        ("people: " + "[" * 3000 + "]" * 3000, "nested too deep"),
        ("people: &a {x: *a}", "it holds itself"),
        ("people:\n  OTHER: {}\n  OTHER: {}\n", ":3: 'OTHER' again"),
        ("people: {", "expected valid YAML"),
    ],
    ids=["aliases of aliases", "60 deep", "3,000 deep", "a loop", "a study twice", "no YAML"],
)
def test_it_is_read_as_strictly_as_the_rulebook(tmp_path: Path, text: str, told: str) -> None:
    """A million values in three lines, nesting without end, a second line for a study: each refused with its line."""
    with pytest.raises(ConfigurationError, match=told):
        load_routing(written(tmp_path, text))
