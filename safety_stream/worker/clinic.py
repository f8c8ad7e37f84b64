"""The judgement the worker runs with: the book, and the pure functions that read it."""

from safety_stream.errors import ConfigurationError
from safety_stream.settings import Settings
from safety_stream.worker.judgement import Judgement


def judgement_of(settings: Settings) -> Judgement:
    """The judgement with the book of the settings. Raises ConfigurationError with everything wrong in the book."""
    raise ConfigurationError(["the judgement is not built yet"])
