"""Every message on our topics: its model, where it travels, its key, and examples that are checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import BaseModel

from safety_stream.broker.topic_table import INBOUND_OF
from safety_stream.clinical.events import ClockTicked, SubjectEvent
from safety_stream.contracts import concluded, told
from safety_stream.contracts.concluded_study import STATUS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message. ``mode``: inbound messages are described as read, ours as written."""

    name: str
    model: type[BaseModel]
    topics: tuple[str, ...]
    key: str
    examples: Sequence[dict[str, Any]] = field(repr=False)
    mode: Literal["validation", "serialization"] = "serialization"

    @property
    def file(self) -> str:
        """Its schema's path in ``schemas/``."""
        return f"messages/{self.name}.schema.json"

    @property
    def summary(self) -> str:
        """The first line of the model's own words."""
        return (self.model.__doc__ or "").partition("\n")[0]

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema, whole in itself, with examples."""
        schema = self.model.model_json_schema(mode=self.mode)
        if "kind" in schema["properties"]:  # a default for our own code, a must for senders: it says what the rest is
            schema["required"] = list(dict.fromkeys(["kind", *schema["required"]]))
        head = {"$schema": DIALECT, "$id": f"urn:safety-stream:message:{self.name}"}
        return {**head, **schema, "examples": list(self.examples)}


def _inbound(model: type[BaseModel]) -> Message:
    kind = model.model_fields["kind"].default
    examples = [event for event in told.EVENTS if event["kind"] == kind]
    key = "Any; study|subject keeps the messages of one subject in order."
    return Message(kind, model, (INBOUND_OF[kind],), key, examples, "validation")


def _ours(name: str, topics: tuple[str, ...], key: str, *examples: BaseModel) -> Message:
    return Message(name, type(examples[0]), topics, key, [each.model_dump(mode="json") for each in examples])


_EVENT_TYPES: tuple[type[BaseModel], ...] = (*get_args(get_args(SubjectEvent)[0]), ClockTicked)
INBOUND: tuple[Message, ...] = tuple(_inbound(model) for model in _EVENT_TYPES)
OURS: tuple[Message, ...] = (
    _ours("accepted", ("events",), "study|subject", concluded.ACCEPTED),
    _ours("subject_status", ("statuses",), "study", STATUS),
    _ours(
        "finding_change",
        ("findings", "cohorts"),
        "study|subject, or study",
        *concluded.CHANGES,
        concluded.ADVICE_CHANGE,
        concluded.STAGGER_CHANGE,
        concluded.TALLY_CHANGE,
    ),
    _ours("alert", ("alerts",), "study", concluded.ALERT),
    _ours("delivery", ("deliveries",), "study", concluded.DELIVERY),
)
MESSAGES: tuple[Message, ...] = (*INBOUND, *OURS)
