"""The book: tables a clinician signs, and the types that read them. Pure, but for ``load``."""
