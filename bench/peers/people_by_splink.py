"""Counts the people of a corpus of CSV files with Splink, beside `liuhen count` over the same files.

    cargo run --release -p liuhen-bench -- corpus 1000000 DIR csv > truth.json
    python bench/peers/people_by_splink.py DIR truth.json target/release/liuhen

Needs `pip install splink`. Splink links records by likelihood; it is given the four columns cleaned
(digits of telephones, upper case of IDs) and told to block on equal IDs, telephones, and names with
addresses. Rows that `liuhen` excludes are Splink's to make sense of, so the number it gives is of
clusters among all rows that have an ID, a telephone, or a name with an address.
"""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

WORDS = {
    "name": ("姓名", "客户姓名", "名字", "学生姓名"),
    "id": ("身份证号", "证件号码", "身份证号码", "身份证"),
    "phone": ("手机号", "手机号码", "联系电话", "电话", "家长电话"),
    "address": ("地址", "住址", "联系地址", "家庭住址"),
}


def text_of(path):
    data = path.read_bytes()
    if data[:2] == b"\xff\xfe":
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def half(text):
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)


def rows(folder):
    n = 0
    for path in sorted(Path(folder).iterdir()):
        text = text_of(path)
        lines = csv.reader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
        header = next(lines)
        at = {
            key: next((header.index(word) for word in words if word in header), None)
            for key, words in WORDS.items()
        }
        for cells in lines:
            if len(cells) != len(header):
                continue
            got = {key: (cells[i].strip() if i is not None else "") for key, i in at.items()}
            digits = "".join(c for c in half(got["phone"]) if c.isdigit())[-11:]
            row = (got["name"], half(got["id"]).upper(), digits, got["address"])
            if row[1] or row[2] or (row[0] and row[3]):
                n += 1
                yield (n, *(cell or None for cell in row))


def main():
    folder, truth, program = sys.argv[1:4]
    begun = time.time()
    counted = json.loads(
        subprocess.run([program, "count", "--json", folder], stdout=subprocess.PIPE).stdout
    )
    ours = time.time() - begun
    truth = json.load(open(truth))
    print(
        f"liuhen count: {ours:.1f} s, {counted['pipeline']['raw']} rows, every policy, "
        f"{counted['totals']['persons']} persons (truth {truth['distinct']['person']}), "
        f"people between {counted['near_duplicates']['persons_between']} (truth {truth['people']})"
    )

    import duckdb
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frame = pd.DataFrame(rows(folder), columns=["unique_id", "name", "id", "phone", "address"])
    begun = time.time()
    base = duckdb.connect()
    base.execute("set threads to 2")
    api = DuckDBAPI(connection=base)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.ExactMatch("name"),
            cl.DamerauLevenshteinAtThresholds("id", [2]),
            cl.ExactMatch("phone"),
            cl.ExactMatch("address"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("id"),
            block_on("phone"),
            block_on("name", "address"),
        ],
        retain_intermediate_calculation_columns=False,
    )
    linker = Linker(api.register(frame), settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("id")], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=7)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("id"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("phone"))
    pairs = linker.inference.predict(threshold_match_probability=0.9)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, 0.9)
    found = clusters.as_duckdbpyrelation().aggregate("count(distinct cluster_id)").fetchall()[0][0]
    import splink

    print(
        f"Splink {splink.__version__}, DuckDB {duckdb.__version__}, two threads: "
        f"{time.time() - begun:.1f} s without reading, {len(frame)} rows, {found} people"
    )


if __name__ == "__main__":
    main()
