"""The contracts, for other people's programs: JSON Schemas and an AsyncAPI document, generated from the models.

Its law: nothing here is written by hand twice. The models of ``clinical`` and ``alerting`` say what a message holds,
``broker.topic_table`` says where it goes, ``rulebook`` says what a protocol and a table may say. ``generate`` turns
them into files, ``write`` puts those into ``schemas/``, and a test fails when the folder is stale.
"""

from collections.abc import Mapping
from pathlib import Path

from safety_stream.contracts.asyncapi import document
from safety_stream.contracts.layout import as_json, as_yaml
from safety_stream.contracts.messages import MESSAGES
from safety_stream.contracts.sheets import SHEETS

__all__ = ["generate", "stale", "write"]


def generate() -> Mapping[str, str]:
    """Every file of ``schemas/`` by its path there, with its text."""
    files = {message.file: as_json(message.schema()) for message in MESSAGES}
    files |= {sheet.file: as_json(sheet.schema()) for sheet in SHEETS}
    return {**files, "asyncapi.yaml": as_yaml(document())}


def write(folder: Path) -> tuple[Path, ...]:
    """Write every file, take away schemas that are no longer ours; the files that changed."""
    changed, wanted = [], generate()
    for name in stale(folder):
        file, text = folder / name, wanted.get(name)
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        changed.append(file)
    return tuple(changed)


def stale(folder: Path) -> tuple[str, ...]:
    """Files of the folder that are missing, differ from what is generated, or should not be there."""
    wanted = generate()
    there = {str(file.relative_to(folder).as_posix()) for file in folder.rglob("*.schema.json")}
    return tuple(
        name
        for name in sorted(there | set(wanted))
        if name not in wanted or not (folder / name).is_file() or (folder / name).read_text("utf-8") != wanted[name]
    )
