"""The AsyncAPI 3.0 document: topics as channels, what our processes receive and send, messages with examples."""

from typing import Any

from safety_stream import __version__
from safety_stream.broker.topic_table import INBOUND, OUTPUT, RECORD, TopicSpec
from safety_stream.contracts.messages import MESSAGES, Message
from safety_stream.intake import CONTENT_TYPES

_TOPICS = (*INBOUND, *RECORD, *OUTPUT)
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_BINDING = "0.5.0"
_DEAD_LETTER = "dead_letter"
# Who does what, from the point of view of our processes.
_OPERATIONS: tuple[tuple[str, str, str, str], ...] = (
    *(
        (f"take_{spec.name}", "receive", spec.name, "The worker reads, checks and records what senders say.")
        for spec in INBOUND
    ),
    ("record_events", "send", "events", "The worker records every accepted event."),
    ("judge_events", "receive", "events", "The worker judges each event; reconcile judges them all again."),
    ("state_findings", "send", "findings", "The worker states each change of a finding."),
    ("snapshot_statuses", "send", "statuses", "The worker tells the cohorts where a subject stands."),
    ("tally_statuses", "receive", "statuses", "The worker tallies the subjects of a study."),
    ("state_cohorts", "send", "cohorts", "The worker states each change of a 3+3 decision."),
    ("raise_alerts", "send", "alerts", "The worker and reconcile ask for people to be told."),
    ("deliver_alerts", "receive", "alerts", "The notifier tells people."),
    ("report_deliveries", "send", "deliveries", "The notifier reports what became of each message."),
    ("keep_dead_letters", "send", "dead-letters", "The worker keeps what it could not use."),
)


def document() -> dict[str, Any]:
    """The whole document; schemas are referred to beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {spec.name: _channel(spec) for spec in _TOPICS},
        "operations": {name: _operation(*rest) for name, *rest in _OPERATIONS},
        "components": {"messages": _messages()},
    }


def _info() -> dict[str, Any]:
    return {
        "title": "safety_stream",
        "version": __version__,
        "description": (
            "A real-time safety monitor for early-phase clinical trials on Apache Kafka. Senders put events on the "
            "inbound topics; findings, cohort decisions, alerts and deliveries come out."
        ),
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "Any Apache Kafka from 3.7; TLS and SASL are settings.",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "A broker of the cluster."}},
    }


def _channel(spec: TopicSpec) -> dict[str, Any]:
    names = [message.name for message in MESSAGES if spec.name in message.topics] or [_DEAD_LETTER]
    return {
        "address": f"{{prefix}}.{spec.name}",
        "title": spec.name,
        "description": spec.holds,
        "parameters": {"prefix": {"default": "safety", "description": "Setting topic_prefix."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {**_kept(spec), "bindingVersion": _BINDING}},
    }


def _kept(spec: TopicSpec) -> dict[str, Any]:
    """Inbound topics are kept as long as the operator says; all others for ever."""
    forever = {"topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1}}
    return forever if spec.kept == "forever" else {}


def _operation(action: str, channel: str, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _messages() -> dict[str, Any]:
    return {**{message.name: _message(message) for message in MESSAGES}, _DEAD_LETTER: _dead_letter()}


def _message(message: Message) -> dict[str, Any]:
    described: dict[str, Any] = {"name": message.name, "title": message.model.__name__, "summary": message.summary}
    if message.mode == "validation":
        described["headers"] = _told_headers()
    return {
        **described,
        "contentType": "application/json",
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./{message.file}"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": message.key}, "bindingVersion": _BINDING}},
        "examples": [{"payload": example} for example in message.examples],
    }


def _told_headers() -> dict[str, Any]:
    description = "The format of the message; without it, native JSON."
    content_type = {"type": "string", "enum": list(CONTENT_TYPES), "description": description}
    return {"type": "object", "properties": {"content-type": content_type}}


def _dead_letter() -> dict[str, Any]:
    """The original bytes, whatever they are, with the original headers and ours."""
    ours = {
        "safety-stream-topic": "Where it was read.",
        "safety-stream-partition": "Its partition, as a number in text.",
        "safety-stream-offset": "Its offset, as a number in text.",
        "safety-stream-received-at": "When the broker received it there, ISO 8601.",
        "safety-stream-reason": "Code of the first reason, or 'quarantined'.",
        "safety-stream-detail": "Every reason: the field, what was found, what was expected.",
    }
    properties = {name: {"type": "string", "description": words} for name, words in ours.items()}
    return {
        "name": _DEAD_LETTER,
        "title": "Dead letter",
        "summary": "A message that could not be used: its own key, bytes and headers, and why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": list(ours), "properties": properties},
        "payload": {"description": "The original bytes."},
    }
