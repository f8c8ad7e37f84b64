"""The rules hold: Debian's own checkers accept them, each alert has both cases, and a careless change breaks a test."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from debian_tools import said_by
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
ALERTS = FOLDER / "rules" / "alerts.yml"
MANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


def rules_of(file: Path) -> list[dict[str, Any]]:
    """Every rule of a file."""
    return [rule for group in YAML(typ="safe").load(file.read_text())["groups"] for rule in group["rules"]]


RULES = rules_of(ALERTS)
NAMES = [rule["alert"] for rule in RULES]
WRITTEN = YAML(typ="safe").load((FOLDER / "tests.yml").read_text())
CASES = [case for group in WRITTEN["tests"] for case in group["alert_rule_test"]]


def test_the_rules_and_the_configuration_are_accepted() -> None:
    """promtool and amtool of Debian find nothing wrong."""
    done = said_by("promtool", "check", "rules", *map(str, sorted((FOLDER / "rules").glob("*.yml"))))
    assert done.returncode == 0, done.stdout + done.stderr
    done = said_by("promtool", "check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    done = said_by("amtool", "check-config", str(MANAGER))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cases_hold() -> None:
    """promtool test rules."""
    done = said_by("promtool", "test", "rules", str(FOLDER / "tests.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Watchdog"])
def test_each_alert_has_a_case_that_fires_and_one_that_must_not(name: str) -> None:
    """An alert without both is a guess."""
    assert {bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_says_how_bad_to_whom_and_what_to_do(rule: dict[str, Any]) -> None:
    """Severity, audience, a summary, and a page of the runbook that exists; clinical ones bridge a rebalance."""
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    assert rule["labels"]["audience"] in {"ops", "safety", "dsmb", "watchdog"}
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    titles = re.findall(r"^## (\S+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {title.lower() for title in titles}
    assert "subject" not in re.sub(r"safety_stream_\w+", "", str(rule))
    if rule["labels"]["audience"] in {"safety", "dsmb"}:
        assert "max without (instance, job)" in rule["expr"]
        assert "keep_firing_for" in rule


def mutations() -> list[tuple[str, str, str]]:
    """Alert, what was done to it, and the whole file after it."""
    text = ALERTS.read_text()
    made = []
    for block in re.findall(r"      - alert: .*?(?=\n      - alert|\n      # |\n  - name|\Z)", text, re.DOTALL):
        name = block.split()[2]
        for what, pattern, instead in (
            ("without keep_firing_for", r"        keep_firing_for: \S+\n", ""),
            ("without 'without'", r"max without \(instance, job\) \((.*?)\) (?=[>=])", r"\1 "),
            ("without 'for'", r"        for: \S+\n", ""),
            ("limit too high", r"(>|<) (\d[\d.]*)", r"\1 1e9"),
            ("limit too low", r"> (\d[\d.]*)", "> -1e12"),
            ("limit of a fall too low", r"< 1\b", "< -1"),
            ("limit of a fall too high", r"< 1\b", "< 1e9"),
            ("another state", r"== 1\b", "== 7"),
            ("any state", r"== 1\b", ">= 0"),
            ("any silence", r"> on \(topic\) max", "> on (topic) -1 * max"),
            ("no silence", r"> on \(topic\) max", "> on (topic) 1e9 * max"),
        ):
            changed = re.sub(pattern, instead, block)
            if changed != block:
                made.append((name, what, text.replace(block, changed)))
    return made


def _is_about(group: dict[str, Any], name: str) -> bool:
    return any(case["alertname"] == name for case in group["alert_rule_test"])


MUTATIONS = mutations()
ALWAYS = {"without keep_firing_for", "without 'without'"}  # the others take a minute together


def test_every_alert_with_a_limit_is_mutated() -> None:
    """The mutations reach all of them."""
    assert {name for name, _, _ in MUTATIONS} == set(NAMES) - {"Watchdog"}


@pytest.mark.parametrize(
    ("name", "what", "text"),
    [
        pytest.param(*one, id=f"{one[0]}: {one[1]}", marks=[] if one[1] in ALWAYS else [pytest.mark.long])
        for one in MUTATIONS
    ],
)
def test_a_careless_change_breaks_a_case(name: str, what: str, text: str, tmp_path: Path) -> None:
    """Taking away a threshold, a waiting time, keep_firing_for or ``without`` does not go unseen."""
    shutil.copytree(FOLDER, tmp_path / "p")
    (tmp_path / "p" / "rules" / "alerts.yml").write_text(text)
    with (tmp_path / "p" / "tests.yml").open("w") as out:
        YAML().dump({**WRITTEN, "tests": [group for group in WRITTEN["tests"] if _is_about(group, name)]}, out)
    done = said_by("promtool", "test", "rules", str(tmp_path / "p" / "tests.yml"))
    assert done.returncode == 1, f"{name} {what}: no case noticed"
    assert f"alertname: {name}" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=SafetyDoseLevelStopped audience=dsmb severity=critical", "dsmb"),
        ("alertname=SafetyAlertNotAcknowledged audience=safety severity=critical", "safety"),
        ("alertname=SafetyPipelineDown audience=ops severity=critical", "pager,operations"),
        ("alertname=SafetyDeadLetters audience=ops severity=warning", "operations"),
        ("alertname=SafetyOutboxStuck audience=ops severity=critical channel=not-email", "pager"),
        ("alertname=Watchdog audience=watchdog severity=none", "watchdog"),
        ("alertname=Unknown", "operations"),
    ],
)
def test_routes(labels: str, receivers: str) -> None:
    """Whom Alertmanager tells: mail trouble never by mail, aggregates to whom they concern, nothing to nobody."""
    done = said_by("amtool", "config", "routes", "test", f"--config.file={MANAGER}", *labels.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == receivers


def test_what_goes_by_another_way_than_mail_is_received_without_mail() -> None:
    """The pager and the watchdog know no mail address."""
    receivers = {one["name"]: one for one in YAML(typ="safe").load(MANAGER.read_text())["receivers"]}
    assert set(receivers["pager"]) == {"name", "webhook_configs"}
    assert set(receivers["watchdog"]) == {"name", "webhook_configs"}
