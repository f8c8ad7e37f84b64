"""How many rows of a table are graded a second on one core, reading and writing included; and what one grade costs.

    nice -n 10 python tests/benchmarks/grade_rows.py [--rows 1000000] [--runs 5] [--keep FOLDER]

The table is made from a seed: 25 analytes, a thousand subjects at 20 laboratories that have units and ranges of their
own, two visits before treatment and many after it, each with the baseline of its subject; some limits and baselines
missing, some values censored, some cells garbage. Prints one JSON object. Run by hand; it asserts no time.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns

from safety_stream.clinical.grading import Baseline, Measured, NoBaseline, grade
from safety_stream.clinical.measure import measured
from safety_stream.quantity import exactly, plain
from safety_stream.rulebook.load import load_book
from safety_stream.rulebook.tables import GradingRule

ANALYTES = (
    "HGB", "WBC", "NEUT", "LYM", "EOS", "PLAT", "INR", "APTT", "FIBRINO", "ALT", "AST", "ALP", "GGT", "BILI", "LDH",
    "AMYLASE", "LIPASET", "CK", "ALB", "CREAT", "URATE", "SODIUM", "K", "CA", "MG",
)  # fmt: skip
COLUMNS = (
    "subject", "visit", "analyte", "value", "unit", "lln", "uln",
    "baseline", "baseline_lln", "baseline_uln", "untreated", "on_anticoagulant",
)  # fmt: skip
SUBJECTS, LABORATORIES, SINGLES = 1_000, 20, 20_000
GARBAGE = ("Hello", "NaN", "see comment", "4.3 to 6.2", "1,000", "-1", "1e400", "", "HEMOLYZED", "9" * 30)
BOOK = load_book(allow_unsigned=True)
Row = tuple[str, ...]


def rows(count: int, chance: random.Random) -> Iterator[Row]:
    """So many rows, visit by visit, as a study receives them."""
    laboratories = [_laboratory(chance) for _ in range(LABORATORIES)]
    subjects = [_subject(chance, chance.choice(laboratories)) for _ in range(SUBJECTS)]
    visits = -(-count // (SUBJECTS * len(ANALYTES)))
    left = count
    for visit in range(visits):
        for number, (course, anticoagulant) in enumerate(subjects):
            for analyte in ANALYTES[: max(0, left)]:
                left -= 1
                yield _row(chance, f"{number:04d}", visit, analyte, course[analyte], anticoagulant)


Settled = tuple[str, str, str, Decimal, str]


def _laboratory(chance: random.Random) -> dict[str, tuple[str, str, str]]:
    """The unit and the range a laboratory reports each analyte with."""
    found = {}
    for key in ANALYTES:
        analyte = BOOK.analytes[key]
        unit = chance.choice(list(analyte.units.values())[:2])
        spread = Decimal(chance.randrange(94, 107)) / 100
        usual = [unit.of_own(exactly((limit or Decimal(0)) * spread)).low for limit in analyte.usual]
        low, high = (plain(limit.quantize(Decimal("0.01"))) for limit in usual)
        found[key] = unit.ucum, low, high
    return found


def _subject(chance: random.Random, laboratory: dict[str, tuple[str, str, str]]) -> tuple[dict[str, Settled], str]:
    """What stays the same over a subject's visits: unit, range and baseline of each analyte; treatment with others."""
    course = {}
    for key, (unit, low, high) in laboratory.items():
        middle = (Decimal(low) + Decimal(high)) / 2
        level = middle * Decimal(str(round(chance.lognormvariate(0, 0.35), 3)))
        course[key] = unit, low, high, level, _shown(level)
    return course, chance.choice(("", "", "no", "no", "yes"))


def _shown(level: Decimal) -> str:
    return plain(level.quantize(Decimal("0.01") if level < 20 else Decimal("0.1") if level < 100 else Decimal(1)))


def _row(chance: random.Random, subject: str, visit: int, analyte: str, settled: Settled, anticoagulant: str) -> Row:
    unit, low, high, level, baseline = settled
    value = _shown(level * Decimal(str(round(chance.lognormvariate(0, 0.5), 3))))
    dice = chance.random()
    if dice < 0.02:
        value = f"<{value}" if dice < 0.01 else f">{value}"
    elif dice < 0.025:
        value = chance.choice(GARBAGE)
    untreated = visit < 2
    lln, uln = ("" if chance.random() < 0.02 else limit for limit in (low, high))
    if chance.random() < 0.01:
        unit = chance.choice(("", "foo", "mg"))
    told = ("", "", "") if untreated or chance.random() < 0.02 else (baseline, low, high)
    return (subject, str(visit), analyte, value, unit, lln, uln, *told, "yes" if untreated else "", anticoagulant)


def main() -> None:
    """Make the table, grade it several times, then single results."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        told = _made(folder / "rows.csv", asked.rows)
        told |= _table(folder, asked.rows, asked.runs)
    told |= _singles()
    told["load_average"] = os.getloadavg()
    print(json.dumps(told, indent=2))  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=None, help="folder in which the two tables are kept")
    return parser.parse_args()


def _made(table: Path, count: int) -> dict[str, object]:
    """The table, and in how many ways its rows differ in anything but subject, visit and value."""
    contexts = set()
    with table.open("w", encoding="utf-8", newline="") as target:
        write = csv.writer(target, lineterminator="\n").writerow
        write(COLUMNS)
        for row in rows(count, random.Random(20260304)):
            contexts.add((row[2], *row[4:]))
            write(row)
    return {"rows": count, "megabytes": table.stat().st_size // 10**6, "distinct_contexts": len(contexts)}


def _table(folder: Path, count: int, runs: int) -> dict[str, object]:
    walls, used = [], []
    for _ in range(runs):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "safety_stream", "grade", "--input", folder / "rows.csv",
             "--output", folder / "graded.csv"],
            capture_output=True, text=True, check=False,
            env=os.environ | {"SAFETY_STREAM_ALLOW_UNSIGNED_RULEBOOK": "true"},
        )  # fmt: skip
        walls.append(perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "said": done.stderr.strip().splitlines()[-1],
        "seconds": [round(one, 2) for one in walls],
        "rows_per_second": round(count / median(walls)),
        "rows_per_second_of_processor": round(count / median(used)),
        "output_sha256": hashlib.sha256((folder / "graded.csv").read_bytes()).hexdigest(),
    }


def _singles() -> dict[str, object]:
    """What ``grade(rule, measured, baseline)`` costs, each result asked once, in the order of the table."""
    asked = list(_asked(random.Random(20260305)))
    spent = []
    for rule, result, baseline in asked:
        began = perf_counter_ns()
        grade(rule, result, baseline)
        spent.append(perf_counter_ns() - began)
    spent.sort()
    return {
        "single_grades": len(spent),
        "single_median_us": round(median(spent) / 1000, 1),
        "single_90th_percentile_us": round(spent[len(spent) * 9 // 10] / 1000, 1),
    }


def _asked(chance: random.Random) -> Iterator[tuple[GradingRule, Measured, Baseline]]:
    for row in rows(SINGLES, chance):
        told = dict(zip(COLUMNS, row, strict=True))
        analyte = BOOK.analytes[told["analyte"]]
        result = _measured(analyte.key, told["value"], told["unit"], told["lln"], told["uln"])
        before = _measured(analyte.key, told["baseline"], told["unit"], told["baseline_lln"], told["baseline_uln"])
        baseline = before or (NoBaseline.NOT_YET_TREATED if told["untreated"] else NoBaseline.UNKNOWN)
        if result is not None:
            yield from ((rule, result, baseline) for rule in BOOK.rules(analyte.key))


def _measured(key: str, value: str, unit: str, low: str, high: str) -> Measured | None:
    found = measured(BOOK.analytes[key], value, unit, (low or None, high or None), source="bench")
    return found if isinstance(found, Measured) else None


if __name__ == "__main__":
    main()
