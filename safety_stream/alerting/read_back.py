"""The read-back: what a reader repeats from the alert before an answer is taken. Pure.

It is the practice for critical results (CAP COM.30100), and no program that follows links in mails can do it. A reader
who sees no subject number (pooled data, or a notice without clinical detail) reads back the alert's id.
"""

from dataclasses import dataclass
from typing import Literal

from safety_stream.alerting.alert import Alert

Asked = Literal["subject", "dose_level", "study", "id"]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What is asked for, and every way of saying it."""

    asked: Asked
    answers: tuple[str, ...]

    def is_given_by(self, told: str) -> bool:
        """Whether it was read back, whatever the case and the blanks."""
        return _same(told) in {_same(one) for one in self.answers}


def read_back(alert: Alert, sees_subject: bool = True) -> ReadBack:
    """What must be read back from an alert."""
    if alert.subject is not None and sees_subject:
        return ReadBack("subject", (alert.subject[-4:], alert.subject))
    if alert.dose_level is not None and alert.subject is None:
        number = str(alert.dose_level)
        return ReadBack("dose_level", (number, f"dose level {number}", f"剂量水平 {number}"))
    if alert.study != "-" and alert.subject is None:
        return ReadBack("study", (alert.study,))
    return ReadBack("id", (alert.id[-4:], alert.id))


def _same(told: str) -> str:
    return "".join(told.split()).casefold()
