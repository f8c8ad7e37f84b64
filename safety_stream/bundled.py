"""Where the bundled folders are: under _share in an installed package, at the top level in a checkout."""

from pathlib import Path
from typing import Final, Literal

_PACKAGE: Final = Path(__file__).resolve().parent


def bundled_folder(name: Literal["alert_templates", "schemas"]) -> Path:
    """The folder of our own copies; FileNotFoundError when the package was installed without them."""
    for place in (_PACKAGE / "_share" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name}: neither in {_PACKAGE / '_share'} nor in {_PACKAGE.parent}")
