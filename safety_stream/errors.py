"""Everything that can go wrong with us, on one page.

    SafetyStreamError
    |-- ConfigurationError      settings, protocols or tables that do not hold together: every problem at once
    |   `-- RulebookError       the same for a table or protocol: each problem with file, line and what was expected
    |-- TopicsNotReady          the broker's topics are missing or shaped differently from what we need
    |-- BrokerUnavailable       no Kafka broker could be reached or started
    |-- MessageRefused          the broker did not take a message, and says why
    `-- EngineBroken            a promise of the engine was broken: the process stops without acknowledging
        |-- UnknownEngine       faust, mode or aiokafka is not the exact version the hardening layer was written for
        |-- OffsetGap           an agent saw an offset that does not follow the one before
        |-- LocalCopyBroken     a worker's local database cannot be read: it is removed and recovered at the next start
        |-- PageOfAnotherVersion  a stored page holds what this version cannot read: rebuild it from the log of record
        |-- PageTooLarge        a subject's page outgrew what one Kafka value may hold
        |-- StudyUnknown        the log holds events of a study whose protocol is not loaded
        |-- TooManyRejected     message after message of a topic could not be read: a person must look
        `-- WrongPartition      a key sits on a partition where our partitioner would not have put it

Trouble in the DATA is never one of these: it is a value (``intake.Rejected``, ``findings.DataQuery``,
a grade range), is counted, and is processed to the end.
"""

from collections.abc import Sequence


class SafetyStreamError(Exception):
    """Anything of ours that is broken."""


class ConfigurationError(SafetyStreamError):
    """Settings, protocols or tables that do not hold together; ``problems`` lists every one of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem}" for problem in self.problems))


class RulebookError(ConfigurationError):
    """A table or protocol that a clinician must correct; each problem names file, line and what was expected."""


class TopicsNotReady(ConfigurationError):
    """The broker's topics are missing or are not shaped as the engine needs them."""


class BrokerUnavailable(SafetyStreamError):
    """No Kafka broker could be reached or started; the message says what to install or check."""


class MessageRefused(SafetyStreamError):
    """The broker did not take a message that was sent to it; the message says which and why."""


class EngineBroken(SafetyStreamError):
    """A promise of the engine was broken; the process must stop without acknowledging anything."""


class UnknownEngine(EngineBroken):
    """faust-streaming, mode-streaming or aiokafka is not the version the hardening layer was written for."""


class OffsetGap(EngineBroken):
    """An agent saw an offset that does not follow the one before it: events would be lost."""


class LocalCopyBroken(EngineBroken):
    """A worker's local database cannot be read; the changelog holds all of it."""


class PageOfAnotherVersion(EngineBroken):
    """A stored page holds facts or findings that this version cannot read; the message says what to do."""


class PageTooLarge(EngineBroken):
    """A subject's page outgrew what one Kafka value may hold."""


class StudyUnknown(EngineBroken):
    """The log of record holds events of a study whose protocol is not loaded: load it, its subjects are waiting."""


class TooManyRejected(EngineBroken):
    """A long run of messages of one topic could not be read: the rest waits until a person has looked."""


class WrongPartition(EngineBroken):
    """A key sits on a partition where our partitioner would not have put it."""
