"""Create our topics and check that the broker has them as our guarantees need them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from safety_stream.broker.connection import connection_problems, kafka_arguments, unreachable
from safety_stream.broker.topic_table import TOPICS, TopicSpec
from safety_stream.errors import BrokerUnavailable, ConfigurationError, TopicsNotReady
from safety_stream.settings import Settings

_ANSWER_LIMIT_MS = 10_000


def create(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names; what exists is left as it is.

    Raises TopicsNotReady with every refusal of the broker, BrokerUnavailable when none answers.
    """
    problems = settings_problems(settings)
    if problems:
        raise ConfigurationError(problems)
    with administrator(settings) as admin:
        existing = set(admin.list_topics())
        missing = [spec for spec in TOPICS if spec.full_name(settings) not in existing]
        if missing:
            _create(admin, settings, missing)
    return [spec.full_name(settings) for spec in missing]


def check(settings: Settings) -> list[str]:
    """Everything about the topics that is not as the engine needs it, each in one sentence; empty when all is well."""
    problems = settings_problems(settings)
    if problems:
        return problems
    with administrator(settings) as admin:
        shapes = {topic["name"]: topic for topic in admin.describe_topics()}
        present = [spec for spec in TOPICS if spec.full_name(settings) in shapes]
        configured = _configurations(admin, [spec.full_name(settings) for spec in present])
    for spec in TOPICS:
        name = spec.full_name(settings)
        if name not in shapes:
            problems.append(f"topic {name} is missing: create it with `safety-stream topics create`")
        else:
            problems += _shape_problems(settings, name, shapes[name])
            problems += _configuration_problems(name, spec.essential(settings), configured[name])
    return problems


def settings_problems(settings: Settings) -> list[str]:
    """What the settings ask for that no broker can give."""
    problems = connection_problems(settings)
    if settings.min_insync_replicas > settings.replication:
        problems.append(
            f"min_insync_replicas {settings.min_insync_replicas} is more than replication {settings.replication}: "
            "no write would ever be acknowledged"
        )
    return problems


@contextmanager
def administrator(settings: Settings) -> Iterator[Any]:
    """A kafka-python administrator. Raises BrokerUnavailable when no broker answers within seconds."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    reason = unreachable(settings)
    if reason:
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {reason}")
    try:
        admin = KafkaAdminClient(bootstrap_timeout_ms=_ANSWER_LIMIT_MS, **kafka_arguments(settings))
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"No Kafka broker answers at {settings.bootstrap_servers}: {_said(error)}") from error
    try:
        yield admin
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {settings.bootstrap_servers} refused: {_said(error)}") from error
    finally:
        admin.close()


def _create(admin: Any, settings: Settings, missing: list[TopicSpec]) -> None:
    wanted = {
        spec.full_name(settings): {
            "num_partitions": settings.partitions,
            "replication_factor": settings.replication,
            "configs": {**spec.essential(settings), **spec.tuning()},
        }
        for spec in missing
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    refused = [topic for topic in answer["topics"] if topic["error_code"] and not _exists_already(topic["error_code"])]
    if refused:
        raise TopicsNotReady([f"topic {topic['name']} was refused: {topic['error_message']}" for topic in refused])
    admin.wait_for_topics(list(wanted))


def _exists_already(error_code: int) -> bool:
    from kafka.errors import TopicAlreadyExistsError

    return bool(error_code == TopicAlreadyExistsError.errno)


def _configurations(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    from kafka.admin import ConfigResource, ConfigResourceType

    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    told = admin.describe_configs(asked, config_filter="all")["topic"]
    return {name: {key: entry["value"] for key, entry in told[name].items()} for name in names}


def _shape_problems(settings: Settings, name: str, shape: dict[str, Any]) -> list[str]:
    problems = []
    partitions = shape["partitions"]
    if len(partitions) != settings.partitions:
        problems.append(
            f"topic {name} has {len(partitions)} partitions, expected {settings.partitions}: "
            "a changed number would split subjects"
        )
    replicas = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
    if replicas < settings.replication:
        problems.append(f"topic {name} has {replicas} replicas, expected {settings.replication} or more")
    return problems


def _configuration_problems(name: str, expected: dict[str, str], found: dict[str, str]) -> list[str]:
    return [
        f"topic {name} has {key} = {found.get(key)}, expected {value}"
        for key, value in expected.items()
        if found.get(key) != value
    ]


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
