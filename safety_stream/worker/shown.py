"""What a worker shows of itself from the start: version and rulebook, its topics, its feeds, its small cells."""

from hashlib import sha256
from pathlib import Path

import safety_stream.rulebook
from safety_stream import __version__
from safety_stream.broker.topic_table import INBOUND
from safety_stream.metrics.small_cells import SmallCells
from safety_stream.settings import Settings
from safety_stream.worker.judgement import Judgement
from safety_stream.worker.metrics import Shown


def shown(settings: Settings, judgement: Judgement) -> Shown:
    """All of it, out of the settings and the judgement."""
    feeds = tuple(settings.topic(spec.name) for spec in INBOUND)
    read = (*feeds, settings.topic("events"), settings.topic("statuses"))
    return Shown(
        topics=dict.fromkeys(read, settings.partitions),
        feeds=feeds,
        silence_limits={settings.topic("labs"): settings.labs_silence_limit_hours * 3600},
        # A judgement of another kind than the clinic's may know no analytes.
        analytes=tuple(getattr(judgement, "analytes", ())),
        build={"version": __version__, "ctcae_version": "5.0", "rulebook_sha256": _rulebook(settings)},
        small_cells=SmallCells(settings.small_cells, settings.small_cells_mode),
    )


def _rulebook(settings: Settings) -> str:
    """The hash of the list of signed files, which has the hash of each: twelve digits of it tell two books apart."""
    folder = settings.rulebook_folder or Path(safety_stream.rulebook.__file__).parent
    signed = folder / "signed.json"
    return sha256(signed.read_bytes()).hexdigest()[:12] if signed.is_file() else "unsigned"
