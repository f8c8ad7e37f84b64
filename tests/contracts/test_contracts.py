"""Claims about the contracts: fresh, valid by the standards they follow, and true to what the programs do."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from safety_stream.broker.topic_table import INBOUND, OUTPUT, RECORD
from safety_stream.contracts import stale, write
from safety_stream.contracts.messages import INBOUND as TOLD
from safety_stream.contracts.messages import MESSAGES, OURS, Message
from safety_stream.contracts.sheets import SHEETS, Sheet
from safety_stream.intake import Rejected, read

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"


def _name(message: Message) -> str:
    return message.name


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator that also checks formats."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_folder_is_fresh() -> None:
    """What is in schemas/ is what the models say today. If this fails: safety-stream schemas."""
    assert not stale(SCHEMAS)


def test_writing_repairs_the_folder(tmp_path: Path) -> None:
    """A missing, a changed and a left-over schema are found and put right; a second time nothing is left to do."""
    write(tmp_path)
    (tmp_path / "messages" / "alert.schema.json").unlink()
    (tmp_path / "asyncapi.yaml").write_text("changed")
    (tmp_path / "messages" / "gone.schema.json").write_text("{}")
    wrong = {"messages/alert.schema.json", "asyncapi.yaml", "messages/gone.schema.json"}
    assert set(stale(tmp_path)) == wrong
    assert {str(path.relative_to(tmp_path)) for path in write(tmp_path)} == wrong
    assert not write(tmp_path)


@pytest.mark.parametrize("file", [*(message.file for message in MESSAGES), *(sheet.file for sheet in SHEETS)])
def test_a_schema_is_valid_by_its_own_standard(file: str) -> None:
    """Each is a JSON Schema of draft 2020-12."""
    schema = json.loads((SCHEMAS / file).read_text("utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("message", MESSAGES, ids=_name)
def test_every_message_has_valid_examples(message: Message) -> None:
    """The examples of a message are valid by its schema, and its model reads them."""
    assert message.examples
    for example in message.examples:
        validator(message.schema()).validate(example)
        message.model.model_validate_json(json.dumps(example))


@pytest.mark.parametrize("message", TOLD, ids=_name)
def test_intake_reads_the_examples_and_refuses_what_the_schema_refuses(message: Message) -> None:
    """An example is readable; without a required field, or with an unknown one, schema and intake refuse it."""
    schema = message.schema()
    for example in message.examples:
        (event,) = read(None, json.dumps(example).encode())
        assert isinstance(event, message.model)
        broken = [{k: v for k, v in example.items() if k != name} for name in schema["required"]]
        for wrong in [*broken, {**example, "surprise": 1}]:
            assert not validator(schema).is_valid(wrong)
            assert isinstance(read(None, json.dumps(wrong).encode())[0], Rejected)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value", 0.42),
        ("value", "a\nb"),
        ("observed_at", "yesterday"),
        ("status", "FINAL"),
        ("subject", "0|1"),
        ("loinc", "1"),
    ],
)
def test_schema_and_intake_refuse_the_same_slips(field: str, value: object) -> None:
    """A sender who checks against the schema learns of these before we do."""
    message = TOLD[0]
    wrong = {**message.examples[0], field: value}
    assert not validator(message.schema()).is_valid(wrong)
    assert isinstance(read(None, json.dumps(wrong).encode())[0], Rejected)


def test_every_topic_has_its_messages() -> None:
    """Every topic but the dead letters has a described message, and no message travels on a topic that is not ours."""
    topics = {spec.name for spec in (*INBOUND, *RECORD, *OUTPUT)}
    described = {topic for message in MESSAGES for topic in message.topics}
    assert described == topics - {"dead-letters"}
    assert {topic for message in OURS for topic in message.topics}.isdisjoint({spec.name for spec in INBOUND})


@pytest.fixture(scope="module")
def document() -> Any:
    """The AsyncAPI document as it is in the folder."""
    return YAML(typ="safe", pure=True).load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))


RULEBOOK = ROOT / "safety_stream" / "rulebook"
FIXTURES = ROOT / "tests" / "fixtures"


def _as_json(node: Any) -> Any:
    """YAML as JSON would have it: the names of an object are text, a date is text."""
    if isinstance(node, dict):
        return {str(name): _as_json(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_as_json(value) for value in node]
    return node if isinstance(node, str | int | float | None) else str(node)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_the_bundled_sheets_are_valid(sheet: Sheet) -> None:
    """An editor that checks our own tables and protocols against these schemas complains of nothing, but of a slip."""
    files = sorted((*RULEBOOK.glob(sheet.files), *FIXTURES.glob(sheet.files)))
    assert files
    for file in files:
        table = _as_json(YAML(typ="safe", pure=True).load(file.read_text("utf-8")))
        validator(sheet.schema()).validate(table)
        row = table[0] if isinstance(table, list) else table
        row["surprise"] = 1
        assert not validator(sheet.schema()).is_valid(table)


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        return [node["$ref"]] if "$ref" in node else [ref for value in node.values() for ref in _references(value)]
    return [ref for value in node for ref in _references(value)] if isinstance(node, list) else []


def test_the_document_has_the_form_of_asyncapi_3(document: Any) -> None:
    """Required parts, unique addresses with declared parameters, operations on known channels, named messages."""
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert len(set(addresses)) == len(addresses) == len((*INBOUND, *RECORD, *OUTPUT))
    for channel in document["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])
    assert all(operation["action"] in {"send", "receive"} for operation in document["operations"].values())
    assert all(message["name"] for message in document["components"]["messages"].values())


def test_every_reference_of_the_document_leads_somewhere(document: Any) -> None:
    """A reference inside the document, or to a schema beside it, is never dangling."""
    references = _references(document)
    assert len(references) > 40
    for reference in references:
        file, _, path = reference.partition("#/")
        if file:
            assert (SCHEMAS / file).is_file(), reference
            continue
        node = document
        for part in path.split("/"):
            node = node[part]


def test_every_topic_is_received_or_sent(document: Any) -> None:
    """No channel is without an operation: somebody reads or writes it."""
    used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert used == {f"#/channels/{name}" for name in document["channels"]}


OFFICIAL = os.environ.get("SAFETY_STREAM_TEST_ASYNCAPI_SCHEMA")


@pytest.mark.skipif(OFFICIAL is None, reason="SAFETY_STREAM_TEST_ASYNCAPI_SCHEMA names no copy of AsyncAPI's schema")
def test_the_document_is_valid_by_the_official_schema(document: Any) -> None:
    """AsyncAPI's own JSON Schema (npm package @asyncapi/specs, schemas/3.0.0-without-$id.json) accepts the document."""
    assert OFFICIAL is not None
    jsonschema.validate(document, json.loads(Path(OFFICIAL).read_text("utf-8")))
