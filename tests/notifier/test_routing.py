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
