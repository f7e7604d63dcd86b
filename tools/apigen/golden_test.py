#!/usr/bin/env python3
"""What the generator makes of testdata/*.json, compared with testdata/golden/<service>/*.

    golden_test.py             fails where they differ, and shows how
    golden_test.py --update    makes the golden files anew: their diff is to be read like any other
"""

import difflib
import json
import pathlib
import sys

from apigen import outputs
from model import Model

DATA = pathlib.Path(__file__).resolve().parent / "testdata"


def generated():
    corrections = json.loads((DATA / "corrections.json").read_text(encoding="utf-8"))
    for path in sorted(DATA.glob("shop_*.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        for file, text in outputs(Model(path.stem, facts, corrections.get(path.stem, {}))).items():
            yield f"{path.stem}/{file}", text


def main(update):
    golden = DATA / "golden"
    files = dict(generated())
    kept = {str(path.relative_to(golden)) for path in golden.rglob("*") if path.is_file()}
    if update:
        for name in kept - files.keys():
            (golden / name).unlink()
        for name, text in files.items():
            (golden / name).parent.mkdir(parents=True, exist_ok=True)
            (golden / name).write_text(text, encoding="utf-8")
        return 0
    differs = False
    for name in sorted(kept | files.keys()):
        before = (golden / name).read_text(encoding="utf-8") if name in kept else ""
        difference = list(difflib.unified_diff(before.splitlines(), files.get(name, "").splitlines(),
                                               f"golden/{name}", f"generated/{name}", lineterm=""))
        if difference:
            differs = True
            print("\n".join(difference))
    if differs:
        print("The generator's output changed. If that was meant: tools/apigen/golden_test.py --update")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] == ["--update"]))
