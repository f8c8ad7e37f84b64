"""The command line: thin, one function a command."""


def main() -> None:
    """Run the command line."""
    raise NotImplementedError
