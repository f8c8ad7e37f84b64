"""The messenger: alerts topic to outbox database to channels. A process of its own, without Faust.

app          put together here: settings in, exit code out
consuming    reads safety.alerts; the Kafka offset follows the database, never the other way round
outbox       what is to be told and to whom; ledger.py holds it for one transaction; the database is the only memory
pending      what waits: claimed, tried, settled
delivery     claims a message, renders, sends, settles; retries for as long as it takes
reporting    what became of each message, to safety.deliveries
routing      deploy/alerting.yaml: role to channel and address
metrics      what an operator watches
"""
