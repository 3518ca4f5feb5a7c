"""Makes the files of Arrow and Avro in this folder by libraries that share no code with ours.

Needs: pip install pyarrow polars fastavro cramjam backports.zstd. Everyone in them is invented.
"""

import datetime as dt
import decimal
import uuid

import fastavro
import polars
import pyarrow as pa

UTC = dt.timezone.utc
MOMENT = dt.datetime(2026, 11, 22, 8, 30, 0, 250000, tzinfo=UTC)
NAMES = ["某甲", None, "某乙 with a longer name"]


def arrow_table():
    third = pa.array(NAMES)
    return pa.table({
        "姓名": third,
        "手机": pa.array([10000000001, None, -5], pa.int64()),
        "小": pa.array([255, None, 7], pa.uint8()),
        "余额": pa.array([decimal.Decimal("12.30"), None, decimal.Decimal("-0.05")], pa.decimal128(9, 2)),
        "出生": pa.array([dt.date(1990, 2, 28), None, dt.date(1969, 12, 31)], pa.date32()),
        "日": pa.array([dt.date(1990, 2, 28), None, dt.date(1969, 12, 31)], pa.date64()),
        "时": pa.array([dt.time(8, 30, 0, 250000), None, dt.time(23, 59, 59)], pa.time64("us")),
        "刻": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "UTC")),
        "在住": pa.array([True, None, False]),
        "比": pa.array([0.5, None, 1e-7], pa.float64()),
        "半": pa.array([0.5, None, -2.0], pa.float16()),
        "标签": pa.array([["一", None], None, []], pa.list_(pa.string())),
        "住址": pa.array([{"市": "甲市", "号": 1}, None, {"市": None, "号": 2}]),
        "图": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
        "对": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int16(), 2)),
        "字节": pa.array([b"\xff\x01", None, b"ab"], pa.binary()),
        "定": pa.array([b"abcd", None, b"\xff\xff\xff\xff"], pa.binary(4)),
        "城": pa.array(["甲市", None, "甲市"]).dictionary_encode(),
        "大": pa.array(NAMES, pa.large_string()),
        "空": pa.nulls(3),
        "看": pa.array(NAMES, pa.string_view()),
    })


def arrow():
    table = arrow_table()
    for name, packing in (("file", None), ("lz4", "lz4"), ("zstd", "zstd")):
        options = pa.ipc.IpcWriteOptions(compression=packing)
        with pa.ipc.new_file(f"pyarrow_{name}.arrow", table.schema, options=options) as out:
            # A slice begins within its buffers.
            out.write_table(table.slice(0, 1))
            out.write_table(table.slice(1))
    # Dictionaries that grow, in a stream.
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    one = pa.table({"姓名": pa.array(["某甲", "某乙"]).dictionary_encode()})
    two = pa.table({"姓名": pa.DictionaryArray.from_arrays([2, 0, None], ["某甲", "某乙", "某丙"])}, one.schema)
    with pa.ipc.new_stream("pyarrow_delta.arrows", one.schema, options=options) as out:
        out.write_table(one)
        out.write_table(two)
    frame = polars.DataFrame({"姓名": NAMES, "手机": [10000000001, None, 3]})
    frame.write_ipc("polars.arrow", compression="lz4")
    frame.write_ipc_stream("polars.arrows")


SCHEMA = {
    "type": "record", "name": "Person", "namespace": "x.y",
    "fields": [
        {"name": "姓名", "type": ["null", "string"]},
        {"name": "手机", "type": "long"},
        {"name": "次", "type": "int"},
        {"name": "在住", "type": "boolean"},
        {"name": "比", "type": "double"},
        {"name": "半", "type": "float"},
        {"name": "出生", "type": {"type": "int", "logicalType": "date"}},
        {"name": "时", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "刻", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "余额", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "号", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "级", "type": {"type": "enum", "name": "Level", "symbols": ["A", "B"]}},
        {"name": "定", "type": {"type": "fixed", "name": "Four", "size": 4}},
        {"name": "标签", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "图", "type": {"type": "map", "values": "double"}},
        {"name": "上", "type": ["null", "Person"]},
    ],
}


def person(name, above=None):
    return {
        "姓名": name, "手机": 10000000001, "次": -3, "在住": True, "比": 0.5, "半": -2.0,
        "出生": dt.date(1990, 2, 28), "时": dt.time(8, 30, 0, 250000), "刻": MOMENT,
        "余额": decimal.Decimal("-0.05"), "号": uuid.UUID(int=7), "级": "B", "定": b"abcd",
        "标签": ["一\"", None], "图": {"k": 1.5}, "上": above,
    }


def avro():
    rows = [person("某甲"), person(None), person("某乙", person("某丙"))]
    for codec in ("null", "deflate", "snappy", "zstandard", "bzip2", "xz"):
        with open(f"fastavro_{codec}.avro", "wb") as out:
            # A block for each row.
            fastavro.writer(out, SCHEMA, rows, codec=codec, sync_interval=1, sync_marker=b"0123456789abcdef")


if __name__ == "__main__":
    arrow()
    avro()
