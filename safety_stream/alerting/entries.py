"""The entries of the catalogue as this process has them: read once from alert_templates/catalogue.yaml."""

from typing import Final

from safety_stream.alerting.load import Entry, Language, Urgency, read_catalogue

__all__ = ["CATALOGUE", "Entry", "Language", "Urgency", "entry"]

CATALOGUE: Final[dict[tuple[str, str], Entry]] = read_catalogue()


def entry(type_: str, case: str = "") -> Entry:
    """The entry of one kind of alert; KeyError when policy names a case that the catalogue does not have."""
    return CATALOGUE[type_, case]
