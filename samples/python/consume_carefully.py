"""Reads exam-topic. What cannot be read is put aside, with where it came from and why, and the rest goes on."""

import json
import os

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

TOPIC = "exam-topic"
GROUP = "careful-readers"
DEAD_LETTERS = f"{TOPIC}.{GROUP}.dlq"
BROKERS = os.environ.get("KAFKA_BROKERS", "localhost:9092")


def make_dead_letter_topic():
    admin = KafkaAdminClient(bootstrap_servers=BROKERS)
    try:
        admin.create_topics([NewTopic(name=DEAD_LETTERS, num_partitions=1, replication_factor=1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()


def read(value):
    """Throws ValueError, KeyError or TypeError where it is not an exam result."""
    result = json.loads(value)
    return result["student"], result["score"]


def put_aside(producer, record, error):
    headers = [
        ("dlq-topic", record.topic.encode()),
        ("dlq-partition", str(record.partition).encode()),
        ("dlq-offset", str(record.offset).encode()),
        ("dlq-error", f"{type(error).__name__}: {error}".encode()),
    ]
    # The bytes as they were: whoever looks later sees what really came.
    producer.send(DEAD_LETTERS, key=record.key, value=record.value, headers=headers).get(timeout=10)
    print(f"offset {record.offset}: put aside, {type(error).__name__}")


make_dead_letter_topic()
producer = KafkaProducer(bootstrap_servers=BROKERS, acks="all", enable_idempotence=True)
consumer = KafkaConsumer(
    TOPIC,
    bootstrap_servers=BROKERS,
    group_id=GROUP,
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    consumer_timeout_ms=5_000,
)
try:
    for record in consumer:
        try:
            student, score = read(record.value)
        except (ValueError, KeyError, TypeError) as error:
            put_aside(producer, record, error)
        else:
            print(f"offset {record.offset}: {student} has {score}")
        # After the work, not before: a crash in between means that a record comes again, and not that one is missing.
        consumer.commit()
finally:
    # It leaves its group: the next one would wait until Kafka takes this one for dead.
    consumer.close()
    producer.close()
