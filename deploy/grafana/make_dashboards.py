"""The dashboards as code: a table of panels in, Grafana's JSON out. Run it after a change; the JSON is committed.

Every panel has a title, a description, a unit and a sentence for "no data". Dashboards are not editable in Grafana:
what a review board sees is what was reviewed here.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
NO_OWNER = "no worker shows this study now"
NOTHING = "nothing yet"
W = "max without (instance, job)"
S = 'study=~"$study"'


class Panel(NamedTuple):
    """One panel: what it is called, what it says, how it is measured. ``red_from``: the value that needs a person."""

    title: str
    says: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    empty: str = NOTHING
    red_from: float | None = None
    height: int = 7


def level(metric: str, counted: str) -> str:
    """A count of each dose level."""
    return f'{W} (safety_stream_{metric}{{{S}, counted="{counted}"}})'


DSMB = (
    Panel("Subjects treated", "Subjects who received at least one dose, all dose levels.",
          ((f"sum({level('dose_level_subjects', 'dosed')})", "dosed"),), "stat", width=4, empty=NO_OWNER),
    Panel("Subjects with a DLT", "Candidate or confirmed dose-limiting toxicities, not refuted ones.",
          ((f"sum({level('dose_level_subjects', 'dlt')})", "DLT"),), "stat", width=4, empty=NO_OWNER, red_from=1),
    Panel("Possible DLTs, undecided", "Subjects whose DLT is not decided: data or an adjudication is missing.",
          ((f"sum({level('dose_level_subjects', 'dlt_possible')})", "possible"),), "stat", width=4, empty=NO_OWNER,
          red_from=1),
    Panel("Serious adverse events", "Serious events on file after corrections.",
          ((f"sum({W} (safety_stream_serious_adverse_events{{{S}}}))", "serious"),), "stat", width=4, empty=NO_OWNER),
    Panel("Open alerts, not answered", "Mailed alerts that nobody has acknowledged.",
          ((f'sum({W} (safety_stream_alerts_open{{{S}, state="unacknowledged"}}))', "open"),), "stat", width=4,
          empty="no alert was recorded", red_from=1),
    Panel("Oldest unanswered alert", "How long the oldest alert has waited for an answer.",
          ((f"time() - min(safety_stream_alerts_oldest_unacknowledged_timestamp_seconds{{{S}}})", "waiting"),),
          "stat", "s", 4, "no alert waits", 900),
    Panel("3+3 advice by dose level", "The advice that holds now. Advice only: the review committee decides.",
          ((f"{W} (safety_stream_dose_level_advice{{{S}}}) == 1", "level {{dose_level}}: {{decision}}"),),
          "stat", width=12, empty=NO_OWNER),
    Panel("DLT of evaluable, by dose level", "The count that the 3+3 rule reads: DLTs, and evaluable subjects.",
          ((f"study_level:safety_stream_dlts:max{{{S}}}", "level {{dose_level}}: DLT"),
           (f"study_level:safety_stream_evaluable:max{{{S}}}", "level {{dose_level}}: evaluable")),
          "bargauge", width=12, empty=NO_OWNER),
    Panel("Escalation no longer supported", "1 while a higher level is open that this level's count does not support.",
          ((f"{W} (safety_stream_dose_level_unsupported{{{S}}})", "level {{dose_level}}"),), "stat", width=8,
          empty=NO_OWNER, red_from=1),
    Panel("Subjects by phase", "Screened, enrolled, in the DLT window, window completed, withdrawn.",
          ((f"{W} (safety_stream_subjects{{{S}}})", "{{phase}}"),), "bargauge", width=8, empty=NO_OWNER),
    Panel("Subjects by worst grade", "Each subject counted once, at the worst CTCAE grade so far.",
          ((f"{W} (safety_stream_subjects_by_worst_grade{{{S}}})", "grade {{grade}}"),), "bargauge", width=8,
          empty=NO_OWNER),
    Panel("Worst grade by dose level", "The same, of each dose level.",
          ((f"{W} (safety_stream_dose_level_subjects_by_worst_grade{{{S}}})", "level {{dose_level}}, {{grade}}"),),
          "bargauge", width=12, empty=NO_OWNER),
    Panel("Primary outcomes: subjects", "Subjects with each outcome so far, of all dose levels, at any grade.",
          ((f'{W} (safety_stream_outcome_subjects{{{S}, dose_level="all", worst_grade="any"}})',
            "{{outcome}}, among {{among}}"),
           (f'{W} (safety_stream_outcome_of_subjects{{{S}, dose_level="all", worst_grade="any", outcome="dlt"}})',
            "all who are {{among}}")), "bargauge", width=12, empty=NO_OWNER),
    Panel("Primary outcomes by worst grade", "Subjects at each worst grade for certain, and with those not decided.",
          ((f'{W} (safety_stream_outcome_subjects{{{S}, dose_level="all", worst_grade!="any"}})',
            "{{outcome}}, grade {{worst_grade}}"),
           (f'{W} (safety_stream_outcome_at_most_subjects{{{S}, dose_level="all", worst_grade!="any"}})',
            "{{outcome}}, grade {{worst_grade}}, at most")), "bargauge", width=12, empty=NO_OWNER),
    Panel("Primary outcomes: exact 95 % intervals", "Clopper-Pearson; hidden where the count is hidden.",
          ((f'{W} (safety_stream_outcome_lower_ratio{{{S}, worst_grade="any"}})',
            "level {{dose_level}}: {{outcome}}, among {{among}}, from"),
           (f'{W} (safety_stream_outcome_upper_ratio{{{S}, worst_grade="any"}})',
            "level {{dose_level}}: {{outcome}}, among {{among}}, to")), "bargauge", "percentunit", 12, NO_OWNER),
    Panel("Enrolment against its plan", "Enrolled subjects of all dose levels, and the number planned.",
          ((f"sum({level('dose_level_subjects', 'enrolled')})", "enrolled"),
           (f"{W} (safety_stream_planned_subjects{{{S}}})", "planned")), "bargauge", width=8, empty=NO_OWNER),
    Panel("Staggers not kept", "First infusions given or planned too soon after the first of their level.",
          ((f"{W} (safety_stream_stagger_breaches{{{S}}})", "too soon"),), "stat", width=4, empty=NO_OWNER, red_from=1),
    Panel("Adverse events by grade over time", "Adverse events on file; a correction lowers the line.",
          ((f"{W} (safety_stream_adverse_events{{{S}}})", "grade {{grade}}"),), width=12, empty=NO_OWNER),
    Panel("Results of grade 3 and 4 in 7 days, by analyte", "Results graded by the workers; a replay may repeat some.",
          ((f'sum by (analyte) (increase(safety_stream_results_graded_total{{{S}, grade=~"3|4"}}[7d])) > 0',
            "{{analyte}}"),), "bargauge", width=12, empty="no grade 3 or 4"),
    Panel("Safety alerts firing", "Alerts of Prometheus for the board and the safety team.",
          (('ALERTS{alertstate="firing", audience=~"dsmb|safety"}', "{{alertname}} {{study}}"),), "stat", width=12,
          empty="none fires"),
)  # fmt: skip

ANSWER = (
    Panel("Open alerts", "By type and whether anybody has acknowledged.",
          ((f"sum by (alert_type, state) ({W} (safety_stream_alerts_open{{{S}}})) > 0", "{{alert_type}}, {{state}}"),),
          "bargauge", width=12, empty="no alert is open"),
    Panel("Past their answer time", "Unacknowledged alerts whose deadline has passed.",
          ((f"{W} (safety_stream_alerts_overdue{{{S}}})", "{{urgency}}"),), "stat", width=6, red_from=1),
    Panel("Last mail accepted", "Time since the mail server took a message.",
          (("time() - max(safety_stream_smtp_last_success_timestamp_seconds)", "ago"),), "stat", "s", 6,
          "no mail yet"),
    Panel("Mails by outcome", "Tries a second: accepted, deferred, rejected, reply lost.",
          (("sum by (outcome) (rate(safety_stream_emails_total[$__rate_interval]))", "{{outcome}}"),), unit="ops"),
    Panel("Waiting mails", "In the outbox: queued, and waiting for another try.",
          (("sum by (state) (safety_stream_outbox_messages)", "{{state}}"),)),
    Panel("Oldest waiting mail", "Empty when none waits.",
          (("time() - min(safety_stream_outbox_oldest_pending_timestamp_seconds)", "waiting"),), "stat", "s",
          empty="none waits", red_from=120),
    Panel("Canary: last arrived", "Time since a result of nobody went all the way to a mail; red from 15 min.",
          (("time() - max(safety_stream_canary_last_success_timestamp_seconds)", "ago"),), "stat", "s", 6,
          "no canary is sent", red_from=900),
    Panel("Canary: event to mail", "How long the newest one took, from the broker's receipt to the mail accepted.",
          (("max(safety_stream_canary_seconds)", "took"),), "stat", "s", 6, "no canary is sent, or none has arrived"),
    Panel("Event to mail", "From the broker's receipt of the event to the mail accepted; half and 99 of 100.",
          tuple((f"histogram_quantile({q}, sum by (le) "
                 "(rate(safety_stream_event_to_alert_seconds_bucket[$__rate_interval])))", f"p{round(q * 100)}")
                for q in (0.5, 0.99)), unit="s", empty="the engine does not run on wall time, or no mail yet"),
    Panel("One try", "Mean time of one SMTP transaction.",
          (("sum(rate(safety_stream_email_send_seconds_sum[$__rate_interval])) / "
            "sum(rate(safety_stream_email_send_seconds_count[$__rate_interval]))", "mean"),), unit="s"),
    Panel("Not mailed, by reason", "Alert revisions that the policy held, in 7 days; the digest lists them.",
          ((f"sum by (reason) (increase(safety_stream_alerts_held_total{{{S}}}[7d])) > 0", "{{reason}}"),),
          "bargauge", empty="none held"),
    Panel("Time to acknowledge", "From the first mail accepted to the answer; half and 95 of 100.",
          tuple((f"histogram_quantile({q}, sum by (le) ({W} "
                 "(safety_stream_alert_acknowledge_seconds_bucket)))", f"p{round(q * 100)}")
                for q in (0.5, 0.95)), "stat", "s", empty="nothing was acknowledged"),
    Panel("Stepped up", "Steps to the next level in 7 days: no answer in time, a mail refused, passed on.",
          ((f"sum by (alert_type, level) ({W} (increase(safety_stream_alert_steps_up_total{{{S}}}[7d]))) > 0",
            "{{alert_type}} to level {{level}}"),), "bargauge", empty="everything was answered in time"),
    Panel("Held back", "Messages that were no mail of their own: silenced, listed, superseded, answered before.",
          ((f"{W} (safety_stream_alert_messages_held_back{{{S}}}) > 0", "{{reason}}"),), "bargauge",
          empty="none held back"),
    Panel("Alerts a subject and week", "Against the alert budget: more than that and mails go unread.",
          ((f"{W} (safety_stream_alerts_per_subject_week{{{S}}})", "{{study}}"),
           ("max(safety_stream_alert_budget_per_subject_week)", "budget"))),
    Panel("Silences in force", "Named, reasoned, at most 8 hours; the digest lists them.",
          (("max(safety_stream_silences_in_force)", "silences"),), "stat", red_from=1),
    Panel("Revisions by type", "Alert revisions a second, sent and held.",
          ((f"sum by (alert_type, action) (rate(safety_stream_alert_revisions_total{{{S}}}[$__rate_interval])) > 0",
            "{{alert_type}}, {{action}}"),), unit="ops"),
)  # fmt: skip

PIPELINE = (
    Panel("Processes up", "Workers and notifier that answered the last scrape.",
          (("sum by (job) (up)", "{{job}}"),), "stat", width=6),
    Panel("Ready workers", "Recovered and reading.", (("sum(safety_stream_worker_ready)", "ready"),), "stat", width=6),
    Panel("Partitions owned", "Each partition once, of those there are.",
          (("count by (topic) (count by (topic, partition) (safety_stream_partition_owned))", "{{topic}} owned"),
           ("max by (topic) (safety_stream_topic_partitions)", "{{topic}} in all")), width=12),
    Panel("Messages that wait", "Not committed yet, by topic.",
          (("sum by (topic) (max by (topic, partition) (safety_stream_consumer_lag_messages))", "{{topic}}"),)),
    Panel("In hand", "Read and not yet acknowledged.", (("sum(safety_stream_in_hand_messages)", "in hand"),)),
    Panel("Messages in", "A second, by topic.",
          (("sum by (topic) (rate(safety_stream_messages_received_total[$__rate_interval]))", "{{topic}}"),),
          unit="ops"),
    Panel("Judged", "Entries a second, by agent.",
          (("sum by (agent) (rate(safety_stream_entries_judged_total[$__rate_interval]))", "{{agent}}"),), unit="ops"),
    Panel("Events by outcome", "Processed, duplicate, corrected, late.",
          ((f"sum by (outcome) (rate(safety_stream_events_judged_total{{{S}}}[$__rate_interval]))", "{{outcome}}"),),
          unit="ops"),
    Panel("Changes of findings", "A second, by kind.",
          ((f"sum by (kind) (rate(safety_stream_finding_changes_total{{{S}}}[$__rate_interval]))", "{{kind}}"),),
          unit="ops"),
    Panel("Judging a round", "99 of 100 rounds of an agent take less.",
          (("histogram_quantile(0.99, sum by (le, agent, part) "
            "(rate(safety_stream_round_seconds_bucket[$__rate_interval])))", "{{agent}} {{part}}"),), unit="s"),
    Panel("Dead letters in 24 hours", "Messages that could not be read, by reason.",
          (("sum by (topic, reason) (increase(safety_stream_messages_rejected_total[24h])) > 0",
            "{{topic}} {{reason}}"),), "bargauge", empty="none", red_from=1),
    Panel("Set aside in 24 hours", "Entries that could not be judged.",
          (("sum by (agent) (increase(safety_stream_entries_quarantined_total[24h]))", "{{agent}}"),), "stat",
          red_from=1),
    Panel("Silence of the feeds", "Time since the newest message, and the limit.",
          (("time() - max by (topic) (safety_stream_feed_last_message_timestamp_seconds)", "{{topic}}"),
           ("max by (topic) (safety_stream_feed_silence_limit_seconds)", "{{topic}} limit")), unit="s"),
    Panel("What runs", "Version, CTCAE version and rulebook of each worker.",
          (("safety_stream_build_info", "{{instance}}: {{version}}, CTCAE {{ctcae_version}}, {{rulebook_sha256}}"),),
          "stat", width=12),
    Panel("Letters without layout, contradicted alerts", "Both are defects; in 24 hours.",
          (("sum(increase(safety_stream_letters_unrendered_total[24h]))", "letters"),
           ("sum(increase(safety_stream_alerts_contradicted_total[24h]))", "contradicted")), "stat", width=12,
          red_from=1),
)  # fmt: skip


def dashboard(uid: str, title: str, says: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    """One dashboard as Grafana reads it."""
    return {
        "uid": uid, "title": title, "description": says, "tags": ["safety_stream"], "schemaVersion": 41,
        "editable": False, "refresh": "10s", "timezone": "utc", "time": {"from": "now-24h", "to": "now"},
        "graphTooltip": 1, "version": 1,
        "links": [{"title": "safety_stream", "type": "dashboards", "tags": ["safety_stream"], "asDropdown": False,
                   "icon": "external link", "includeVars": True, "keepTime": True, "targetBlank": False,
                   "tooltip": "", "url": ""}],
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "label": "Data source", "query": "prometheus"},
            {"name": "study", "type": "query", "label": "Study", "datasource": SOURCE, "includeAll": True,
             "allValue": ".*", "multi": False, "refresh": 2,
             "query": {"query": "label_values(safety_stream_events_judged_total, study)", "refId": "study"}},
        ]},
        "annotations": {"list": [{
            "name": "Alerts firing", "enable": True, "hide": False, "iconColor": "red", "datasource": SOURCE,
            "expr": 'ALERTS{alertstate="firing", severity="critical"}', "titleFormat": "{{alertname}}"}]},
        "panels": placed(panels),
    }  # fmt: skip


def placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """The panels in rows of 24, from the left."""
    made, x, y = [], 0, 0
    for number, one in enumerate(panels, 1):
        if x + one.width > 24:
            x, y = 0, y + one.height
        made.append(panel(one, number, {"x": x, "y": y, "w": one.width, "h": one.height}))
        x += one.width
    return made


def panel(one: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    """One panel; what needs a person is red, and says so in words by its title."""
    steps: list[dict[str, Any]] = [{"color": "green" if one.red_from else "text", "value": None}]
    if one.red_from is not None:
        steps.append({"color": "red", "value": one.red_from})
    options: dict[str, Any] = {}
    if one.kind in {"stat", "bargauge"}:
        options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
        if "advice" in one.title or one.title in {"What runs", "Safety alerts firing"}:
            options["textMode"] = "name"
    return {
        "id": number, "type": one.kind, "title": one.title, "description": one.says, "gridPos": place,
        "datasource": SOURCE, "options": options,
        "fieldConfig": {"defaults": {"unit": one.unit, "noValue": one.empty, "min": 0,
                                     "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
        "targets": [{"refId": chr(65 + at), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
                    for at, (expr, legend) in enumerate(one.queries)],
    }  # fmt: skip


DASHBOARDS = {
    "dsmb": dashboard("safety-stream-dsmb", "DSMB overview", "A study as its safety board sees it.", DSMB),
    "answer": dashboard("safety-stream-answer", "Alert response", "How alerts reach people and are answered.", ANSWER),
    "pipeline": dashboard("safety-stream-pipeline", "Pipeline", "Whether everything is read and judged.", PIPELINE),
}


def main() -> None:
    """Write the JSON files."""
    for name, made in DASHBOARDS.items():
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        (HERE / "dashboards" / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
