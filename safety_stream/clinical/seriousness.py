"""Whether a report says that an event is serious, or that it was fatal or threatened life: as told, never judged."""

from safety_stream.clinical.events import AdverseEvent


def is_serious(event: AdverseEvent) -> bool:
    """By its own statement, a criterion, a fatal outcome or grade 5."""
    return bool(event.serious or event.seriousness or is_fatal(event))


def is_grave(event: AdverseEvent) -> bool:
    """Fatal or life-threatening: the events with the shorter limit."""
    return is_fatal(event) or "life-threatening" in event.seriousness


def is_fatal(event: AdverseEvent) -> bool:
    """By its outcome, its criteria or its grade."""
    return event.outcome == "fatal" or "death" in event.seriousness or event.grade == 5
