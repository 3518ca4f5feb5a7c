"""Find, redact and count personal information in tables.

Tables are anything that speaks Arrow's PyCapsule protocol: pandas, Polars, DuckDB, PyArrow.
Rules, detectors and counts are those of the program ``liuhen``; docs/python.md has examples.
Nothing is sent anywhere, and no error holds a cell.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

import pyarrow as pa

from . import _liuhen

__all__ = ["Counted", "columns", "count", "redact", "scan"]
__version__ = _liuhen.__version__

#: What the program says beside each report.
NOTICE = "advice only; numbers below a threshold are not a permission"


@dataclass(frozen=True)
class Counted:
    """What a count came to.

    ``report`` is what ``liuhen count --json`` prints, ``ledger`` a line for each row that does
    not count, or counts no more, in the order of the tables.
    """

    report: dict[str, Any]
    ledger: list[dict[str, Any]]


def table(data: Any) -> pa.Table:
    """Whatever speaks Arrow, as a table of PyArrow."""
    return data if isinstance(data, pa.Table) else pa.table(data)


def scan(data: Any) -> pa.Table:
    """Personal information in a table: row (from 0), column, kind, start and end, confidence.

    ``start`` and ``end`` count characters of the cell. No value is in the answer.
    """
    return _liuhen.scan(table(data))


def redact(data: Any, how: str | Mapping[str, str] = "mask") -> pa.Table:
    """The table with what ``scan`` finds masked, labelled or removed.

    ``how`` is one word for all kinds (``mask``, ``label``, ``remove``) or a word for each, ``*``
    for those not named (``mask`` when it is missing): ``{"mobile": "mask", "*": "remove"}``;
    ``keep`` leaves a kind as it is. Columns in which something was found come back as text.
    """
    return _liuhen.redact(table(data), {"*": how} if isinstance(how, str) else dict(how))


def columns(data: Any) -> dict[str, str | None]:
    """The kind of each column, by its name and the first values; None where it has none."""
    data = table(data)
    return dict(zip(data.column_names, _kinds(data)))


def count(tables: Mapping[str, Any], *, date: str | None = None, ledger: bool = True) -> Counted:
    """Counts tables as ``liuhen count`` counts files: in this process, in memory.

    ``tables`` are by name, in the order in which a first occurrence is the first. The first row
    of a table is row 2 of the ledger, as if names of columns stood above it. Ages are taken on
    ``date``, by default that of the rules. For more than memory holds use ``liuhen.spark``.
    """
    key = _liuhen.new_key()
    files, counts = list(tables), []
    parts: dict[int, list[bytes]] = defaultdict(list)
    for unit, data in enumerate(tables.values()):
        data = table(data)
        mapper = _liuhen.Mapper(unit, data.column_names, _kinds(data), key, date)
        first = 2
        for batch in data.to_batches(max_chunksize=65_536):
            mapper.rows(batch, first)
            first += batch.num_rows
            _sort_out(mapper.keys(), parts)
        counts.append(mapper.counts())
    sums, lines = [], []
    for keys in parts.values():
        of_part, ledger_of_part = _liuhen.merge(keys, files, ledger)
        sums.append(of_part)
        lines.extend(ledger_of_part)
    report = summed(files, counts, sums, date)
    return Counted(report, [json.loads(line) for _, line in sorted(lines)])


def summed(files: list[str], counts: list[str], sums: list[str], date: str | None) -> dict[str, Any]:
    """The report of a count taken apart."""
    report = json.loads(_liuhen.total(files, counts, sums, date))
    return {**report, "notice": NOTICE}


def _sort_out(keys: Iterable[tuple[int, bytes]], parts: dict[int, list[bytes]]) -> None:
    for part, records in keys:
        parts[part].append(records)


def _kinds(data: pa.Table) -> list[str | None]:
    first = data.slice(0, _liuhen.SAMPLE)
    cells = [_texts(column) for column in first.columns]
    rows = [list(row) for row in zip(*cells)] if cells else []
    return _liuhen.columns(first.column_names, rows)


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    shown = (None if value is None else str(value) for value in column.to_pylist())
    # Numbers that a library widened to floats since some are missing.
    if pa.types.is_floating(column.type):
        return [text.removesuffix(".0") if text else text for text in shown]
    return list(shown)
