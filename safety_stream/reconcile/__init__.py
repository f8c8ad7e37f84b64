"""The second look: every alert derived again from the logs, compared with the outbox, and what is missing put there.

derived    the same pure core over the log of record, partition by partition, as the engine ran it
comparing  what should be on record against what is
app        put together here; on demand or again and again; the exit code says what was found
"""
