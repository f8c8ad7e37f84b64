"""The engine: all that knows Faust. Reads the log, calls the judgement, keeps its word about offsets."""
