"""Claims about the files themselves: CSV, compressed CSV and SAS transport say the same."""

import csv
import gzip
import io
import struct
from pathlib import Path
from zoneinfo import ZoneInfo

from safety_stream.intake.cdisc import convert_folder

ROWS: list[dict[str, str | float]] = [
    {"STUDYID": "S", "USUBJID": "01", "EXSEQ": 1.0, "EXTRT": "CAR-NK", "EXDOSE": 54.5, "EXSTDTC": "2013-07-10"},
    {"STUDYID": "S", "USUBJID": "01", "EXSEQ": 2.0, "EXTRT": "CAR-NK", "EXDOSE": 81.0, "EXSTDTC": "2013-07-17"},
]


def ibm(number: float) -> bytes:
    """A positive number as the eight bytes of an IBM 370 double: sign, power of 16 (excess 64), 56 bits of fraction."""
    power = 0
    while number >= 1:
        number, power = number / 16, power + 1
    return struct.pack(">Q", (64 + power) << 56 | round(number * 2**56))


def transport(rows: list[dict[str, str | float]]) -> bytes:
    """The rows as a SAS transport file, version 5 (SAS technical note TS-140): records of 80 bytes."""
    names = list(rows[0])
    numeric = {name for name in names if isinstance(rows[0][name], float)}
    stamp = "01JAN26:00:00:00"

    def header(name: str, counts: str = "0" * 30) -> bytes:
        return f"HEADER RECORD*******{name:<8}HEADER RECORD!!!!!!!{counts}  ".encode()

    def lines(data: bytes) -> bytes:
        return data + b" " * (-len(data) % 80)

    variables, at = b"", 0
    for number, name in enumerate(names, start=1):
        length = 8 if name in numeric else 16
        start = struct.pack(">hhhh8s40s8shhh2s8shhi", 1 if name in numeric else 2, 0, length, number, *(
            name.ljust(8).encode(), b" " * 40, b" " * 8, 0, 0, 0, b"\0\0", b" " * 8, 0, 0, at))  # fmt: skip
        variables, at = variables + start.ljust(140, b"\0"), at + length
    data = b"".join(
        ibm(value) if isinstance(value, float) else value.ljust(16).encode() for row in rows for value in row.values()
    )
    made = f"9.4     X       {' ' * 24}{stamp}"
    return b"".join([
        header("LIBRARY "), lines(f"SAS     SAS     SASLIB  {made}".encode()), lines(stamp.encode()),
        header("MEMBER  ", "000000000000000001600000000140"), header("DSCRPTR "),
        lines(f"SAS     EX      SASDATA {made}".encode()), lines(stamp.encode()),
        header("NAMESTR ", f"000000{len(names):04}" + "0" * 20), lines(variables), header("OBS     "), lines(data),
    ])  # fmt: skip


def table(rows: list[dict[str, str | float]]) -> bytes:
    """The rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(
        {name: f"{cell:g}" if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows
    )
    return text.getvalue().encode()


def test_three_formats_of_one_dataset_say_the_same(tmp_path: Path) -> None:
    """The same two doses as CSV, CSV.gz and XPT, in capitals or not, are the same events: 54.5 stays 54.5, 81 is 81."""
    files = {"ex.csv": table(ROWS), "EX.CSV.GZ": gzip.compress(table(ROWS)), "ex.xpt": transport(ROWS)}
    told = []
    for name, content in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(content)
        result = convert_folder(tmp_path / name, ZoneInfo("Asia/Shanghai"), only=("ex",))
        assert not result.discrepancies
        told.append([event.model_dump(mode="json") for event in result.events])
    assert told[0] == told[1] == told[2]
    assert [(event["source"]["id"], event["amount"]) for event in told[0]] == [("01/1", "54.5"), ("01/2", "81")]
