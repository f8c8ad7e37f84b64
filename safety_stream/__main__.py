"""``python -m safety_stream``."""

from safety_stream.cli import main

main()
