"""A worker that says when it recovers: the product's own, with the loggers that a kill must be timed by."""

import sys

from safety_stream import logs
from safety_stream.settings import read_settings
from safety_stream.worker import app

if __name__ == "__main__":
    vars(logs)["_QUIET"] = ("kafka", "aiokafka", "asyncio")
    sys.exit(app.run(read_settings()))
