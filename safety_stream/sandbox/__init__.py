"""The workbench: a local real Kafka without Docker, a local inbox, the simulated trial, the demo."""
