"""Reads exam-topic as most first examples do, and dies of the first record that is not JSON. Started again, it dies again."""

import json
import os

from kafka import KafkaConsumer

consumer = KafkaConsumer(
    "exam-topic",
    bootstrap_servers=os.environ.get("KAFKA_BROKERS", "localhost:9092"),
    group_id="naive-readers",
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    # Whoever dies says no goodbye: for so long the group waits for it before it gives its partitions to the next one.
    session_timeout_ms=6_000,
    consumer_timeout_ms=20_000,
)
for record in consumer:
    result = json.loads(record.value)
    print(f"offset {record.offset}: {result['student']} has {result['score']}")
    consumer.commit()
