"""A worker process with the counting judgement: ``python counting_worker.py``, settings from the environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from counting import Counting

from safety_stream.settings import Settings
from safety_stream.worker.app import serve

if __name__ == "__main__":
    sys.exit(serve(Settings(), Counting))
