"""The count on Spark is the count of one machine: local-cluster, three executors, one killed."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pyspark = pytest.importorskip("pyspark")
from pyspark.sql import SparkSession  # noqa: E402

from liuhen.spark import Source, count  # noqa: E402

PROGRAM = os.environ.get("LIUHEN")


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_LOCAL_HOSTNAME"] = "localhost"
    session = (
        SparkSession.builder.master("local-cluster[3,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "localhost")
        .config("spark.executor.memory", "1g")
        .config("spark.sql.legacy.javaCharsets", "true")
        # Several blocks of each file, so that rows are numbered across them.
        .config("spark.sql.files.maxPartitionBytes", "200k")
        .config("spark.sql.files.openCostInBytes", "0")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    yield session
    session.stop()


def check(digits: str) -> str:
    """The last character of a resident ID (GB 11643-1999)."""
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    return "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights)) % 11]


def rows(count: int, seed: int) -> list[list[str]]:
    """Rows of nobody: IDs of an abolished code, numbers of unassigned segments."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        number = draw.randrange(3000)
        body = f"110103{1950 + number % 60}{1 + number % 12:02}{1 + number % 28:02}{number % 1000:03}"
        identity = body + check(body)
        row = ["王" + "小大明华"[number % 4] + "一二三"[number % 3], identity, f"154{number:08}", f"某市某路{number}号", ""]
        match draw.randrange(12):
            case 0:
                row[1] = row[1][:-1] + ("1" if row[1][-1] != "1" else "2")
            case 1:
                row[1] = row[2] = ""
                # A remark names who the columns do not.
                row[4] = f"客户电话 154{number:08}，下午来" if number % 2 else "下午来"
            case 2:
                row = [row[0], "", "", "", ""]
            case 3:
                row[3] = '某路"甲座",一层'
            case 4:
                row = row[:2]
            case 5:
                row = [*row, "多余"]
            case _:
                pass
        made.append(row)
    return made


@pytest.fixture(scope="module")
def leak(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("leak")
    for at, encoding in enumerate(["utf-8", "utf-8-sig", "gb18030"]):
        with open(folder / f"{at}.csv", "w", encoding=encoding, newline="") as file:
            out = csv.writer(file)
            out.writerow(["姓名", "身份证号", "手机号", "地址", "备注"])
            out.writerows(rows(12_000, at))
    return folder


@pytest.fixture(scope="module")
def single(leak, tmp_path_factory):
    """What the program says."""
    if not PROGRAM:
        pytest.fail("LIUHEN must name the program")
    ledger = tmp_path_factory.mktemp("single") / "ledger.jsonl"
    words = [PROGRAM, "count", str(leak), "--ledger", str(ledger), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout), [json.loads(line) for line in ledger.read_text().splitlines()]


def sources(leak: Path) -> list[Source]:
    return [
        Source(path=str(leak / "2.csv"), options={"encoding": "GB18030"}),
        Source(path=str(leak / "[01].csv")),
    ]


def numbers(report: dict) -> dict:
    """The report but for what says where and by whom it was made."""
    kept = {name: part for name, part in report.items() if name not in ("tool", "parameters", "files", "not_read", "provenance")}
    kept["files"] = [
        {name: part for name, part in file.items() if name not in ("path", "sha256", "bytes")}
        for file in report["files"]
    ]
    return kept


def names_only(ledger) -> list[str]:
    """Lines with the names of files instead of their paths."""
    def short(line):
        line = dict(line, file=Path(line["file"]).name)
        if "first" in line:
            line["first"] = dict(line["first"], file=Path(line["first"]["file"]).name)
        return json.dumps(line, sort_keys=True, ensure_ascii=False)

    return [short(line) for line in ledger]


def test_the_same_totals_and_ledger(spark, leak, single):
    counted = count(spark, sources(leak))
    report, ledger = single
    assert numbers(counted.report) == numbers(report)
    mine = names_only(counted.lines())
    assert len(mine) > 20_000
    assert mine == names_only(ledger)
    counted.release()


def test_an_executor_dies_midway(spark, leak, single):
    pids = subprocess.run(["pgrep", "-f", "CoarseGrainedExecutorBackend"], capture_output=True, text=True, check=False)
    executors = [int(pid) for pid in pids.stdout.split()]
    assert len(executors) >= 3
    killed = []

    def kill():
        # As soon as tasks are at work, and some are done.
        tracker = spark.sparkContext.statusTracker()
        for _ in range(6000):
            for stage in tracker.getActiveStageIds():
                told = tracker.getStageInfo(stage)
                if told and told.numTasks > 20 and told.numCompletedTasks >= 3:
                    os.kill(executors[0], signal.SIGKILL)
                    killed.append(executors[0])
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    counted = count(spark, sources(leak))
    killer.join()
    assert killed
    assert numbers(counted.report) == numbers(single[0])
    assert names_only(counted.lines()) == names_only(single[1])
    counted.release()


def test_frames_and_parquet_count_as_their_rows(spark, leak, single, tmp_path):
    frame = spark.read.csv(str(leak / "0.csv"), header=True, escape='"')
    frame.coalesce(1).write.parquet(str(tmp_path / "p"))
    of_files = count(spark, [Source(path=str(tmp_path / "p"), format="parquet")])
    of_frame = count(spark, [Source(frame=frame, name="table")])
    parts = ("totals", "pipeline", "policies", "persons")
    assert [of_files.report[part] for part in parts] == [of_frame.report[part] for part in parts]
    assert of_frame.report["totals"]["persons"] > 1000


def test_wrong_sources_are_told(spark):
    with pytest.raises(ValueError, match="a path or a frame"):
        count(spark, [Source()])
    with pytest.raises(ValueError, match="nothing to count"):
        count(spark, [])
    spark.conf.set("spark.sql.legacy.javaCharsets", "false")
    with pytest.raises(ValueError, match="javaCharsets=true"):
        count(spark, [Source(path="/nonexistent", options={"encoding": "GBK"})])
