"""Signatures over the tables: which bytes of which file somebody answers for. Pure."""

from collections.abc import Mapping
from hashlib import sha256

from safety_stream.rulebook.forms import SignatureForm


def digest(content: bytes) -> str:
    """The sha256 of a file, whatever its line endings."""
    return sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def version_of(name: str, files: Mapping[str, bytes]) -> str:
    """The version of a book: its name and a hash over its files."""
    content = "\n".join(f"{file} {digest(files[file])}" for file in sorted(files))
    return f"{name}+{sha256(content.encode()).hexdigest()[:12]}"


def unsigned(files: Mapping[str, bytes], signatures: Mapping[str, SignatureForm], signed_in: str) -> list[str]:
    """Every file that is not as it was signed, or not signed at all."""
    problems = []
    for file, content in files.items():
        signature = signatures.get(file)
        if signature is None:
            problems.append(f"{file}:1: nobody signed it; expected an entry in {signed_in}")
        elif signature.sha256 != digest(content):
            by = f"version {signature.version} ({signature.approver})"
            problems.append(f"{file}:1: changed since it was signed; expected {by}, or a new signature in {signed_in}")
    return problems


def is_pending(approver: str) -> bool:
    """Whether an approver is only a word that holds the place: nobody has signed."""
    return approver.strip().casefold().startswith("pending")


def keeps(before: SignatureForm | None, content: bytes, approver: str) -> bool:
    """Whether a file keeps its signature when ``approver`` signs: it is as it was, and a person had signed it.

    Where nobody had, the place is held until somebody does.
    """
    if before is None or before.sha256 != digest(content):
        return False
    return not is_pending(before.approver) or is_pending(approver)


def sign(files: Mapping[str, bytes], version: str, approver: str) -> dict[str, dict[str, str]]:
    """What signed.json must say for these files."""
    return {file: {"sha256": digest(files[file]), "version": version, "approver": approver} for file in sorted(files)}
