"""Counting on Apache Spark: the same plan as ``liuhen count``, on Spark's own shuffle.

Tasks judge rows and give away keyed hashes; those of one partition meet, wherever they were made,
and are counted by the code that counts on one machine. So the totals are the same, and so is the
ledger, also when executors die: a task that is run again gives away the same keys.

The package has to be installed where the executors' Python is. Cells leave no executor; what is
shuffled are hashes under a random key, beside places and kinds. The key is part of the plan that
Spark sends to its executors: guard the cluster's network and disks as the data itself.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator, Mapping
from urllib.parse import unquote, urlparse

import numpy
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession, functions as F
from pyspark.sql.types import StringType, StructField, StructType

from . import _liuhen, summed

__all__ = ["Counted", "Source", "count"]

# Columns of ours beside the table's.
_FILE, _BLOCK, _BAD = "__liuhen_file", "__liuhen_block", "__liuhen_bad"
# Since version 4 Spark refuses GB18030, GBK and Big5 without it.
_CHARSETS = "spark.sql.legacy.javaCharsets"
# Rows between two givings away of keys.
_GATHER = 100_000
# What leaves a task: its partition, or none for counts; keys.
_KEYS = "part int, keys binary"
# What leaves a partition: sums, counts or a line; bytes to sort lines by; the text.
_DONE = "what string, sort binary, text string"


@dataclass(frozen=True)
class Source:
    """Files of one form, or a table that is a DataFrame already.

    ``path`` and ``format`` (``csv``, ``json``, ``parquet``) are Spark's, ``options`` go to its
    reader. Each file is a file of the count, named by its path. Rows of a DataFrame have no place
    of their own: they are numbered by partition and place in it, so ledger lines name rows only
    as long as the frame is computed the same way.
    """

    path: str | None = None
    format: str = "csv"
    options: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    frame: DataFrame | None = None


@dataclass
class Counted:
    """What a count came to: the report of ``liuhen count --json``, and its ledger as a DataFrame
    with the columns ``sort`` (bytes in the ledger's order) and ``text`` (a line of JSON)."""

    report: dict[str, Any]
    ledger: DataFrame
    _done: DataFrame = field(repr=False)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The ledger's lines in order, fetched a partition at a time."""
        for row in self.ledger.orderBy("sort").toLocalIterator():
            yield json.loads(row["text"])

    def release(self) -> None:
        """Lets the cluster forget what it kept for the ledger."""
        self._done.unpersist()


def count(
    spark: SparkSession,
    sources: Iterable[Source],
    *,
    date: str | None = None,
    ledger: bool = True,
) -> Counted:
    """Counts sources, in the order in which a first occurrence is the first.

    ``date`` is the day on which ages are taken, by default that of the rules.
    """
    key = _liuhen.new_key()
    tables = [_Table(spark, source) for source in sources]
    # Files in the order of their names, as the program walks a folder.
    files = sorted((name for table in tables for name in table.names.values()), key=lambda name: name.encode())
    if len(files) != len(set(files)):
        raise ValueError("a file is named by two sources")
    if not files:
        raise ValueError("there is nothing to count")
    units = {name: at for at, name in enumerate(files)}
    keys: DataFrame | None = None
    for table in tables:
        of_table = table.keys(units, key, date)
        keys = of_table if keys is None else keys.unionAll(of_table)
    met = keys.repartition(_liuhen.PARTS, "part").sortWithinPartitions("part")
    done = met.mapInArrow(_merger(files, ledger), _DONE).persist(StorageLevel.DISK_ONLY)
    told = done.filter("what != 'line'").select("what", "text").collect()
    texts = {what: [row["text"] for row in told if row["what"] == what] for what in ("sums", "counts")}
    report = summed(files, texts["counts"], texts["sums"], date)
    return Counted(report, done.filter("what = 'line'").select("sort", "text"), done)


class _Table:
    """A source whose files and blocks are known."""

    def __init__(self, spark: SparkSession, source: Source) -> None:
        if (source.path is None) == (source.frame is None):
            raise ValueError("a source is a path or a frame")
        self.frame = _read(spark, source) if source.frame is None else _framed(source)
        own = {_FILE, _BLOCK, _BAD}
        self.header = [name for name in self.frame.columns if name not in own]
        # Lines of JSON have no row of names above them.
        self.first = 1 if source.format == "json" and source.frame is None else 2
        sizes: dict[str, dict[int, int]] = defaultdict(dict)
        for row in self.frame.groupBy(_FILE, _BLOCK).count().collect():
            sizes[row[_FILE]][row[_BLOCK]] = row["count"]
        # By Spark's address, the name in reports: files of this machine by their path.
        self.names = {file: _plain(file) for file in sizes}
        self.offsets: dict[tuple[str, int], int] = {}
        for file, blocks in sizes.items():
            row = self.first
            for block in sorted(blocks):
                self.offsets[file, block] = row
                row += blocks[block]

    def kinds(self) -> dict[str, list[str | None]]:
        """The kinds of the columns, for each file by its first rows."""
        width = len(self.header)
        heads = self.frame.filter(F.col(_BLOCK) == 0).mapInArrow(_first_rows, self.frame.schema)
        rows: dict[str, list[list[str | None]]] = defaultdict(list)
        for row in heads.collect():
            mine = rows[row[_FILE]]
            if len(mine) < _liuhen.SAMPLE:
                mine.append(list(row)[:width])
        return {file: _liuhen.columns(self.header, rows[file]) for file in self.names}

    def keys(self, units: Mapping[str, int], key: bytes, date: str | None) -> DataFrame:
        kinds = self.kinds()
        task = _Task(
            header=self.header,
            files={file: (units[name], kinds[file]) for file, name in self.names.items()},
            offsets=self.offsets,
            key=bytes(key),
            date=date,
        )
        return self.frame.mapInArrow(lambda batches: task.run(batches), _KEYS)


@dataclass
class _Task:
    """What a task needs to judge rows."""

    header: list[str]
    files: dict[str, tuple[int, list[str | None]]]
    offsets: dict[tuple[str, int], int]
    key: bytes
    date: str | None

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        mappers: dict[str, Any] = {}
        rows = dict(self.offsets)
        waiting = 0
        for batch in batches:
            for file, block, run in _runs(batch):
                if file not in mappers:
                    unit, kinds = self.files[file]
                    mappers[file] = _liuhen.Mapper(unit, self.header, kinds, self.key, self.date)
                self._judge(mappers[file], run, rows[file, block])
                rows[file, block] += run.num_rows
                waiting += run.num_rows
            if waiting >= _GATHER:
                yield from map(_given, mappers.values())
                waiting = 0
        yield from map(_given, mappers.values())
        counts = [mapper.counts().encode() for mapper in mappers.values()]
        yield _batch([-1] * len(counts), counts)

    def _judge(self, mapper: Any, run: pa.RecordBatch, first: int) -> None:
        cells = run.select(self.header)
        if _BAD not in run.schema.names:
            return mapper.rows(cells, first)
        # A line of another width than the header: shorter ones are rows, longer ones are not.
        begun = 0
        bad = run.column(_BAD)
        for at in numpy.flatnonzero(bad.is_valid().to_numpy(zero_copy_only=False)):
            at = int(at)
            mapper.rows(cells.slice(begun, at - begun), first + begun)
            parsed = next(csv.reader([bad[at].as_py()]), [])
            if len(parsed) > len(self.header):
                mapper.faults([first + at])
            else:
                filled = parsed + [None] * (len(self.header) - len(parsed))
                row = [pa.array([cell], pa.string()) for cell in filled]
                mapper.rows(pa.RecordBatch.from_arrays(row, self.header), first + at)
            begun = at + 1
        mapper.rows(cells.slice(begun), first + begun)


def _given(mapper: Any) -> pa.RecordBatch:
    keys = mapper.keys()
    return _batch([part for part, _ in keys], [records for _, records in keys])


def _batch(parts: list[int], keys: list[bytes]) -> pa.RecordBatch:
    columns = [pa.array(parts, pa.int32()), pa.array(keys, pa.binary())]
    return pa.RecordBatch.from_arrays(columns, ["part", "keys"])


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[str, int, pa.RecordBatch]]:
    """Rows of a batch that come from one block of one file; within a block they are in order."""
    if batch.num_rows == 0:
        return
    files = batch.column(_FILE).dictionary_encode()
    codes = files.indices.to_numpy(zero_copy_only=False)
    blocks = batch.column(_BLOCK).to_numpy(zero_copy_only=False)
    change = numpy.flatnonzero((numpy.diff(codes) != 0) | (numpy.diff(blocks) != 0)) + 1
    ends = [*change.tolist(), batch.num_rows]
    begun = 0
    for end in ends:
        file = files.dictionary[int(codes[begun])].as_py()
        yield file, int(blocks[begun]), batch.slice(begun, end - begun)
        begun = end


def _first_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The first rows of each file in a task; a file's first block lies in one task."""
    seen: dict[str, int] = defaultdict(int)
    for batch in batches:
        for file, _, run in _runs(batch):
            left = _liuhen.SAMPLE - seen[file]
            seen[file] += run.num_rows
            if left > 0:
                yield run.slice(0, left)


def _merger(files: list[str], ledger: bool):
    def merge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        part, keys = -1, []
        for batch in batches:
            for number, records in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist()):
                if number < 0:
                    yield _done("counts", [(b"", records.decode())])
                    continue
                if number != part and keys:
                    yield from _merged(keys, files, ledger)
                    keys = []
                part = number
                keys.append(records)
        if keys:
            yield from _merged(keys, files, ledger)

    return merge


def _merged(keys: list[bytes], files: list[str], ledger: bool) -> Iterator[pa.RecordBatch]:
    sums, lines = _liuhen.merge(keys, files, ledger)
    yield _done("sums", [(b"", sums)])
    for at in range(0, len(lines), 10_000):
        yield _done("line", lines[at : at + 10_000])


def _done(what: str, rows: list[tuple[bytes, str]]) -> pa.RecordBatch:
    columns = [
        pa.array([what] * len(rows), pa.string()),
        pa.array([sort for sort, _ in rows], pa.binary()),
        pa.array([text for _, text in rows], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, ["what", "sort", "text"])


def _read(spark: SparkSession, source: Source) -> DataFrame:
    asked = {name.lower() for name in source.options}
    if asked & {"encoding", "charset"} and spark.conf.get(_CHARSETS, "false") != "true":
        raise ValueError(f"Spark reads Chinese encodings only with {_CHARSETS}=true; set it on the session")
    reader = spark.read.format(source.format)
    if source.format == "csv":
        # As RFC 4180 has it; a line of another width is told apart instead of being cut.
        reader = reader.options(header="true", escape='"', mode="PERMISSIVE")
        names = reader.options(**source.options).load(source.path).columns
        schema = StructType([StructField(name, StringType()) for name in [*names, _BAD]])
        reader = reader.schema(schema).option("columnNameOfCorruptRecord", _BAD)
        # The schema stands above each file, too.
        reader = reader.option("enforceSchema", "true")
    frame = reader.options(**source.options).load(source.path)
    file = F.col("_metadata.file_path").alias(_FILE)
    block = F.col("_metadata.file_block_start").alias(_BLOCK)
    return frame.select(*_texts(frame), file, block)


def _plain(address: str) -> str:
    parts = urlparse(address)
    return unquote(parts.path) if parts.scheme == "file" else address


def _framed(source: Source) -> DataFrame:
    name = source.name or "table"
    # Each partition is a block; partitions are in the order of their numbers.
    block = F.spark_partition_id().cast("long").alias(_BLOCK)
    return source.frame.select(*_texts(source.frame), F.lit(name).alias(_FILE), block)


def _texts(frame: DataFrame) -> list[Column]:
    """Every column as text; what is made of others as JSON."""

    def text(one: StructField) -> Column:
        column = F.col("`" + one.name.replace("`", "``") + "`")
        nested = one.dataType.typeName() in ("struct", "array", "map")
        shown = F.to_json(column) if nested else column.cast("string")
        # Excel's mark of UTF-8 stands before the first name.
        return shown.alias(one.name.lstrip("\ufeff"))

    return [text(one) for one in frame.schema.fields]
