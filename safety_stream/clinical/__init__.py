"""The judgement: events in, findings out. Deaf and timeless: no I/O, clock, environment, randomness or logging."""
