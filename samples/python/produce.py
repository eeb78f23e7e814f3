"""Writes a few exam results to exam-topic, and says where each of them is now."""

import json
import os

from kafka import KafkaProducer

TOPIC = "exam-topic"
RESULTS = [
    {"student": "kim", "subject": "history", "score": 91},
    {"student": "lee", "subject": "history", "score": 78},
    {"student": "kim", "subject": "physics", "score": 85},
]

producer = KafkaProducer(
    bootstrap_servers=os.environ.get("KAFKA_BROKERS", "localhost:9092"),
    # Told only when every replica that is in sync has it, and never written twice by a retry.
    acks="all",
    enable_idempotence=True,
)

# One student's results stay in order: same key, same partition.
sent = [producer.send(TOPIC, key=result["student"].encode(), value=json.dumps(result).encode()) for result in RESULTS]
for future, result in zip(sent, RESULTS):
    record = future.get(timeout=10)
    print(f"{record.topic}, partition {record.partition}, offset {record.offset}: {json.dumps(result)}")
producer.close()
