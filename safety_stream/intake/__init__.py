"""The way in: bytes to events. One file is one format."""
