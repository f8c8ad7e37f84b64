"""What became of one try to tell one person: what ``safety.deliveries`` carries."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from safety_stream.alerting.alert import AlertType


class Delivery(BaseModel):
    """One try to deliver one alert revision to one recipient; tries of one message count 1, 2, ..."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert: str = Field(description="Id of the alert.")
    revision: Annotated[int, Field(ge=1)]
    type: AlertType
    study: str
    recipient: str = Field(description="channel:address")
    attempt: Annotated[int, Field(ge=1)]
    outcome: Literal["accepted", "deferred", "rejected", "reply_lost"] = Field(
        description="reply_lost: it may have arrived, so the next try says that it may be a repeat."
    )
    said: str = Field(description="What the channel answered.")
    at: datetime
