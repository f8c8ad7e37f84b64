"""Mails into a folder, one .eml a message: for the demo, for tests, and for a site without a mail server."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from pathlib import Path

from safety_stream.alerting.channels.channel import Message, Outcome
from safety_stream.alerting.channels.mime import compose


class FileChannel:
    """A folder that mails are written to; a message that comes again replaces its earlier copy."""

    name = "file"

    def __init__(self, folder: Path, sender: Address, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._sender = sender
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """Write the mail whole or not at all."""
        try:
            content = compose(message, self._sender, self._clock())
        except ValueError as error:
            return Outcome("rejected", f"not a mail: {error}")
        try:
            place = await asyncio.to_thread(self._write, message.id, content)
        except OSError as error:
            return Outcome("deferred", str(error), whole_channel=True)
        return Outcome("accepted", place)

    def _write(self, name: str, content: bytes) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / f"{name}.eml"
        part = place.with_suffix(".part")
        part.write_bytes(content)
        os.replace(part, place)
        return str(place)

    async def close(self) -> None:
        """Nothing is held open."""
