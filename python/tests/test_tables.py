"""Scanning, redacting and counting tables of several libraries."""

import pyarrow as pa
import pytest

import liuhen

# Nobody's: an unassigned region's ID from the standard's annex and numbers of unassigned segments.
ROWS = {
    "姓名": ["王小明", "李雷", None],
    "身份证号": ["11010519491231002X", "", "440308199901101512"],
    "手机号": ["15412345678", "15412345679", None],
    "备注": ["邮箱 a@example.com", "无", "电话15412345678请勿外传"],
}


def test_columns_and_findings():
    table = pa.table(ROWS)
    assert liuhen.columns(table)["身份证号"] == "resident_id"
    found = liuhen.scan(table).to_pylist()
    places = {(one["row"], one["column"], one["kind"]) for one in found}
    assert (0, "身份证号", "resident_id") in places
    assert (0, "备注", "email") in places
    mobile = next(one for one in found if one["column"] == "备注" and one["row"] == 2)
    assert ROWS["备注"][2][mobile["start"] : mobile["end"]] == "15412345678"


def test_what_was_redacted_is_not_found_again():
    table = pa.table(ROWS)
    masked = liuhen.redact(table).to_pydict()
    assert masked["手机号"][0] == "154****5678"
    assert masked["姓名"][2] is None
    gone = liuhen.redact(table, "remove")
    assert liuhen.scan(gone).num_rows == 0
    assert gone.schema.names == table.schema.names
    labelled = liuhen.redact(table, {"mobile": "label", "*": "keep"}).to_pydict()
    assert labelled["备注"][2] == "电话[mobile]请勿外传"
    assert labelled["身份证号"] == ROWS["身份证号"]


def test_numbers_keep_their_type_unless_something_is_found():
    table = pa.table({"手机号": [15412345678.0, None, 15412345679.0] * 5, "n": [1, 2, 3] * 5})
    safe = liuhen.redact(table)
    assert safe.schema.field("n").type == pa.int64()
    assert safe.to_pydict()["手机号"][:2] == ["154****5678", None]


def test_a_wrong_word_is_told():
    with pytest.raises(ValueError, match="kept, masked"):
        liuhen.redact(pa.table(ROWS), "hide")
    with pytest.raises(ValueError, match="no kind"):
        liuhen.redact(pa.table(ROWS), {"passport_of_mars": "mask"})


def test_a_remark_makes_a_person_as_a_column_does():
    rows = {"姓名": ["王小明", "李雷"], "备注": ["客户电话 15498765432，下午来", "下午来"]}
    assert liuhen.columns(pa.table(rows))["备注"] == "free_text"
    counted = liuhen.count({"a": pa.table(rows)})
    assert counted.report["totals"]["persons"] == 1
    assert [line["code"] for line in counted.ledger] == ["NOT_IDENTIFIABLE"]


def test_an_empty_table():
    empty = pa.table({"手机号": pa.array([], pa.string())})
    assert liuhen.scan(empty).num_rows == 0
    assert liuhen.redact(empty).num_rows == 0
    assert liuhen.count({"a": empty}).report["totals"]["persons"] == 0


def test_a_count_explains_each_exclusion():
    table = pa.table(
        {
            "姓名": ["赵敏行", "赵敏行", "钱思远", "孙可望"],
            "身份证号": ["110103198503071238", "１１０１０３１９８５０３０７１２３８", "110103198503071231", ""],
        }
    )
    counted = liuhen.count({"one": table, "two": table.slice(0, 1)})
    assert counted.report["pipeline"]["raw"] == 5
    assert counted.report["totals"]["persons"] == 1
    codes = [(line["file"], line["row"], line["code"]) for line in counted.ledger if line.get("policy") in (None, "person")]
    assert codes == [
        ("one", 3, "DUPLICATE_OF"),
        ("one", 4, "BAD_CHECK"),
        ("one", 5, "NOT_IDENTIFIABLE"),
        ("two", 2, "DUPLICATE_OF"),
    ]


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_tables_of_other_libraries(library):
    module = pytest.importorskip(library)
    if library == "duckdb":
        leak = pa.table(ROWS)  # noqa: F841, found by its name
        data = module.sql("select * from leak")
    else:
        data = module.DataFrame(ROWS)
    assert liuhen.scan(data).to_pylist() == liuhen.scan(pa.table(ROWS)).to_pylist()
