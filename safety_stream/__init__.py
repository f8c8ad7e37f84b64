"""safety_stream: a real-time safety monitor for early-phase clinical trials.

cli, commands/   the command line
sandbox/         THE WORKBENCH: a local Kafka, a local inbox, the simulated trial, the demo
contracts/       THE CONTRACTS: JSON Schemas and AsyncAPI, generated from the models
worker/          THE ENGINE: all that knows Faust
notifier/        THE MESSENGER: outbox database to channels
reconcile        THE SECOND LOOK: re-derives every alert and compares
metrics/         WHAT IS SHOWN: every metric in one table
intake/          THE WAY IN: bytes to events
alerting/        THE WAY OUT: findings to alerts to messages
clinical/        THE JUDGEMENT: events in, findings out; read ``clinical.subject.step`` first
rulebook/        THE BOOK: tables a clinician signs
quantity, settings, errors
"""

__version__ = "0.1.0"
