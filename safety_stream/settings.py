"""Every knob, read from the environment once, frozen. Variables are named SAFETY_STREAM_ and the field in capitals."""

import os
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from safety_stream.errors import ConfigurationError

PREFIX = "SAFETY_STREAM_"


class Settings(BaseSettings):
    """What an operator can set; each process reads this once and hands it down."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # The broker
    bootstrap_servers: str = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    tls_ca_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None

    # The topics
    topic_prefix: Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9][a-z0-9._-]*$")] = "safety"
    partitions: Annotated[int, Field(ge=1, le=256)] = Field(
        default=8, description="Of every topic; fixed for life: changing it later would split subjects."
    )
    replication: Annotated[int, Field(ge=1, le=7)] = 3
    min_insync_replicas: Annotated[int, Field(ge=1, le=7)] = 2
    inbound_retention_days: Annotated[int, Field(ge=1)] = 90

    # The engine
    clock: Literal["wall", "event"] = "wall"
    store: Literal["rocksdb", "memory"] = "rocksdb"
    data_folder: Path = Path("safety-stream-data")
    worker_id: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "worker-1"
    event_time_limit_seconds: Annotated[float, Field(gt=0, le=120)] = 20.0
    events_at_once: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=64, description="Events judged before their outputs and pages are awaited together."
    )
    session_timeout_seconds: Annotated[float, Field(ge=1, le=300)] = Field(
        default=15.0, description="How long a worker may be silent before its partitions go to others."
    )
    quarantine_after: Annotated[int, Field(ge=2)] = 5
    rejected_run_limit: Annotated[int, Field(ge=1)] = Field(
        default=500, description="Unreadable messages of a topic in a row that stop the worker."
    )
    tick_seconds: Annotated[float, Field(gt=0)] = 60.0
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 9108

    small_cells: Annotated[int, Field(ge=0, le=20)] = Field(
        default=0, description="Counts of a study from 1 to below this are not shown as they are; 0: all are."
    )
    small_cells_mode: Literal["round", "hide"] = "round"
    labs_silence_limit_hours: Annotated[float, Field(gt=0)] = Field(
        default=24.0, description="How long no laboratory message may come before an operator is told."
    )

    # The workbench
    cache_folder: Path = Field(
        default=Path("~/.cache/safety-stream"), description="Where a local Kafka's libraries are kept."
    )

    # The book
    rulebook_folder: Path | None = Field(default=None, description="Empty: the bundled tables.")
    protocols_folder: Path | None = Field(default=None, description="Empty: the bundled protocols.")
    allow_unsigned_rulebook: bool = False

    # The messenger
    outbox_url: str = "sqlite:///safety-stream-outbox.db"
    alert_templates_folder: Path | None = Field(default=None, description="Empty: the bundled templates.")
    alert_routing_file: Path | None = Field(default=None, description="Roles to channels and addresses.")
    smtp_host: str = "127.0.0.1"
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_tls: Literal["starttls", "implicit", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_sender: str = "safety-stream@localhost"
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15.0
    smtp_ca_file: Path | None = Field(default=None, description="Who vouches for the mail server; empty: the system's.")
    mail_body_detail: Literal["full", "notice"] = "full"
    mail_subject_style: Literal["type", "minimal"] = Field(
        default="type", description="minimal: the subject line does not even name the kind of alert."
    )
    mail_down_minutes: Annotated[float, Field(gt=0, le=1440)] = Field(
        default=5.0, description="A mail server away for so long is told by webhook."
    )
    webhook_key: SecretStr | None = Field(
        default=None, description="What webhooks are signed with; 16 characters or more."
    )
    webhook_ca_file: Path | None = Field(
        default=None, description="Who vouches for the receivers; empty: the system's."
    )
    mail_folder: Path = Field(default=Path("safety-stream-mails"), description="Where the channel 'file' writes.")
    answer_keys: SecretStr | None = Field(
        default=None, description="Sign answer links: keys of 32 characters or more, by commas, the newest last."
    )
    answer_public_url: str | None = Field(default=None, description="Where readers reach the answer page; https.")
    answer_host: str = "127.0.0.1"
    answer_port: Annotated[int, Field(ge=0, le=65535)] = 9110
    answer_identity_header: str | None = Field(
        default=None, description="The header in which a trusted proxy names who is signed in; empty: the form asks."
    )
    storm_over_alerts: Annotated[int, Field(ge=0)] = Field(
        default=20, description="More alerts of a study in 10 minutes are mailed as lists; 0: never."
    )
    mail_gather_seconds: Annotated[Decimal, Field(ge=0, le=30)] = Field(
        default=Decimal(2), description="How long a mail waits for more alerts of its specimen; 0: one mail an alert."
    )
    alert_budget: Annotated[Decimal, Field(gt=0)] = Field(
        default=Decimal(2), description="Alerts a subject and week that readers can bear; more is shown as over budget."
    )
    digest_at: time | None = Field(default=time(7), description="The daily digest, in UTC; empty: none.")
    canary_minutes: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0,
        description="How often the canary is sent, on wall time; 0: never. The same for every process.",
    )
    canary_mailbox: str | None = Field(default=None, description="Where the canary's mails go: a mailbox nobody reads.")
    notifier_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 9109

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, told: Any, about: ValidationInfo) -> Any:
        """An environment has no null: what may be none is none when it is empty."""
        field = cls.model_fields[str(about.field_name)]
        return None if told == "" and type(None) in get_args(field.annotation) else told

    def topic(self, name: str) -> str:
        """The full name of one of our topics."""
        return f"{self.topic_prefix}.{name}"


def read_settings(**fixed: Any) -> Settings:
    """The settings of this process; ``fixed`` go before the environment.

    Raises ConfigurationError with every problem at once: a value that cannot be, and a name that is nearly one of ours.
    """
    problems = list(_nearly_ours())
    try:
        settings = Settings(**fixed)
    except ValidationError as error:
        problems += [_problem(detail) for detail in error.errors()]
    if problems:
        raise ConfigurationError(problems)
    return settings


def _problem(detail: Any) -> str:
    name = PREFIX + "_".join(str(part) for part in detail["loc"]).upper()
    return f"{name}={detail['input']!s}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _nearly_ours() -> Iterator[str]:
    """A name with our prefix that we do not know is only a problem when one of ours may have been meant."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            for meant in get_close_matches(name, known, n=1, cutoff=0.92):
                yield f"{name} is no setting; was {meant} meant?"
