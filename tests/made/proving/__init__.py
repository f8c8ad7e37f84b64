"""Proving the guarantees: processes to kill, a schedule to kill them by, and a verdict on what they left behind."""
