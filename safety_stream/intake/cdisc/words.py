"""SDTM's controlled words and ours: one table for each, in capitals as SDTM writes them."""

from types import MappingProxyType
from typing import Literal

from safety_stream.clinical.events import Attribution, Outcome, Seriousness

SEX = MappingProxyType[str, Literal["female", "male"] | None](
    {"F": "female", "M": "male", "U": None, "UN": None, "INTERSEX": None, "UNDIFFERENTIATED": None}
)
YES_OR_NO = MappingProxyType({"Y": True, "N": False})
SEVERITY = MappingProxyType[str, Literal["mild", "moderate", "severe"]](
    {"MILD": "mild", "MODERATE": "moderate", "SEVERE": "severe"}
)
OUTCOME = MappingProxyType[str, Outcome](
    {
        "RECOVERED/RESOLVED": "recovered",
        "RECOVERED/RESOLVED WITH SEQUELAE": "recovered-with-sequelae",
        "RECOVERING/RESOLVING": "recovering",
        "NOT RECOVERED/NOT RESOLVED": "not-recovered",
        "FATAL": "fatal",
        "UNKNOWN": "unknown",
    }
)
# CDISC leaves AEREL to the sponsor; these are the words in use. A plain "related" claims no more than possible.
ATTRIBUTION = MappingProxyType[str, Attribution](
    {
        "NONE": "unrelated",
        "NOT RELATED": "unrelated",
        "UNRELATED": "unrelated",
        "N": "unrelated",
        "REMOTE": "unlikely",
        "UNLIKELY": "unlikely",
        "UNLIKELY RELATED": "unlikely",
        "POSSIBLE": "possible",
        "POSSIBLY RELATED": "possible",
        "RELATED": "possible",
        "Y": "possible",
        "PROBABLE": "probable",
        "PROBABLY RELATED": "probable",
        "DEFINITE": "definite",
        "DEFINITELY RELATED": "definite",
        "UNKNOWN": "unknown",
    }
)
# Cancer and overdose were seriousness criteria of earlier regulations; today they are medically important events.
SERIOUSNESS = MappingProxyType[str, Seriousness](
    {
        "SDTH": "death",
        "SLIFE": "life-threatening",
        "SHOSP": "hospitalization",
        "SDISAB": "disability",
        "SCONG": "congenital-anomaly",
        "SMIE": "important-medical-event",
        "SCAN": "important-medical-event",
        "SOD": "important-medical-event",
    }
)
BLOOD = frozenset({"BLOOD", "WHOLE BLOOD", "SERUM", "PLASMA", "SERUM OR PLASMA", "SERUM/PLASMA"})
