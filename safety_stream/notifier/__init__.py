"""The messenger: its own process, no Faust. Alerts topic to outbox database to channels; timers and retries."""
