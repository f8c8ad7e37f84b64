import pytest

from safety_stream.broker import topics
from safety_stream.broker.topic_table import TOPICS
from safety_stream.broker.topics import administrator
from safety_stream.errors import BrokerUnavailable, ConfigurationError
from safety_stream.settings import Settings


@pytest.mark.kafka
def test_created_topics_are_as_the_check_wants_them(kafka_settings: Settings) -> None:
    """Every topic is missing at first, created once, then without a problem; creating again changes nothing."""
    prefix = kafka_settings.topic_prefix
    assert len(topics.check(kafka_settings)) == len(TOPICS)
    assert all("is missing" in problem for problem in topics.check(kafka_settings))
    assert set(topics.create(kafka_settings)) == {
        *(f"{prefix}.{name}" for name in ("labs", "vitals", "adverse-events", "subjects", "decisions")),
        *(f"{prefix}.{name}" for name in ("events", "statuses", "findings", "cohorts", "alerts", "deliveries")),
        f"{prefix}.dead-letters",
        f"{prefix}-worker-pages-changelog",
        f"{prefix}-worker-cohorts-changelog",
    }
    assert topics.check(kafka_settings) == []
    assert topics.create(kafka_settings) == []


@pytest.mark.kafka
def test_the_log_of_record_is_kept_forever_and_state_is_compacted(kafka_topics: Settings) -> None:
    """What the broker itself says: the record is kept whole and for ever, inbound by days, state is compacted."""
    from kafka.admin import ConfigResource, ConfigResourceType

    prefix = kafka_topics.topic_prefix
    names = [f"{prefix}.events", f"{prefix}.statuses", f"{prefix}.labs", f"{prefix}-worker-pages-changelog"]
    with administrator(kafka_topics) as admin:
        told = admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all"
        )
    kept = {name: {key: entry["value"] for key, entry in told["topic"][name].items()} for name in names}
    for name in names[:2]:
        assert (kept[name]["cleanup.policy"], kept[name]["retention.ms"], kept[name]["retention.bytes"]) == (
            "delete",
            "-1",
            "-1",
        )
        assert kept[name]["message.timestamp.type"] == "LogAppendTime"
    assert kept[names[2]]["retention.ms"] == str(90 * 24 * 3600 * 1000)
    assert kept[names[3]]["cleanup.policy"] == "compact"


@pytest.mark.kafka
def test_each_way_a_topic_can_be_wrong_is_told(kafka_settings: Settings) -> None:
    """Wrong partitions, wrong cleanup, short retention, missing topics: one sentence each, all at once."""
    prefix = kafka_settings.topic_prefix
    events = next(spec for spec in TOPICS if spec.name == "events")
    with administrator(kafka_settings) as admin:
        admin.create_topics(
            {
                f"{prefix}.events": {
                    "num_partitions": 3,
                    "replication_factor": 1,
                    "configs": {
                        **events.essential(kafka_settings),
                        "cleanup.policy": "compact",
                        "retention.ms": "1000",
                    },
                }
            },
            wait_for_metadata=True,
        )
    problems = topics.check(kafka_settings)
    about_events = [problem for problem in problems if f"topic {prefix}.events " in problem]
    assert about_events == [
        f"topic {prefix}.events has 3 partitions, expected 4: a changed number would split subjects",
        f"topic {prefix}.events has cleanup.policy = compact, expected delete",
        f"topic {prefix}.events has retention.ms = 1000, expected -1",
    ]
    assert len(problems) == len(TOPICS) - 1 + len(about_events)


@pytest.mark.kafka
def test_what_the_broker_refuses_is_told(kafka_settings: Settings) -> None:
    """Three replicas on one broker: TopicsNotReady repeats the broker's own words for each topic."""
    asked = kafka_settings.model_copy(update={"replication": 3})
    with pytest.raises(ConfigurationError, match=r"refused: .*[Rr]eplication factor"):
        topics.create(asked)


def test_settings_that_no_broker_can_serve_are_refused_before_asking() -> None:
    """More in-sync replicas than replicas, SASL without a name, a certificate that is not there: all at once."""
    settings = Settings(
        replication=1, min_insync_replicas=2, security_protocol="SASL_SSL", tls_ca_file="/nowhere/ca.pem"
    )
    problems = topics.check(settings)
    assert [problem.split(":")[0] for problem in problems] == [
        "security_protocol SASL_SSL needs sasl_username and sasl_password",
        "tls_ca_file",
        "min_insync_replicas 2 is more than replication 1",
    ]
    with pytest.raises(ConfigurationError):
        topics.create(settings)


def test_a_broker_that_is_not_there_is_named() -> None:
    """Nobody listens: BrokerUnavailable names the address and the reason."""
    with pytest.raises(BrokerUnavailable, match=r"No Kafka broker answers at 127\.0\.0\.1:9: .*refused"):
        topics.check(Settings(bootstrap_servers="127.0.0.1:9", replication=1, min_insync_replicas=1))
