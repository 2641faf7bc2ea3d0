"""Calls as a company's scripts make them with segment-analytics-python. Arguments: the hub's address, the write key, packed."""

import sys
from datetime import datetime, timezone

from segment.analytics.client import Client

host, write_key, packed = sys.argv[1:]
failures = []
client = Client(
    write_key, host=host, gzip=packed == "packed", max_retries=1, on_error=lambda error, batch: failures.append(error)
)
client.identify("u-19", {"email": "carla@example.com"})
client.track(
    "u-19",
    "Order Refunded",
    {"order_id": "1001", "total": 30, "currency": "EUR"},
    timestamp=datetime(2026, 3, 1, 10, tzinfo=timezone.utc),
    message_id="p-" + packed,
)
client.flush()
client.join()
if failures:
    sys.exit(f"not delivered: {failures}")
