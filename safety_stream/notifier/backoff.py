"""How long to wait before the next try: 2 s doubling to 60 s, spread by a fifth: retries must not march in step."""

from random import Random
from typing import Final

_FIRST_MS: Final = 2_000
_LONGEST_MS: Final = 60_000
_SPREAD: Final = 0.2


def wait_ms(failures: int, chance: Random) -> int:
    """The wait after so many failures in a row (1 or more), in milliseconds."""
    plain = min(_LONGEST_MS, _FIRST_MS << min(failures - 1, 10))
    return round(plain * chance.uniform(1 - _SPREAD, 1 + _SPREAD))
