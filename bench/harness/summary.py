"""bench/results/README.md out of the rows' files."""
import re

from .processes import BENCH


def main():
    rows = []
    for path in (BENCH / "results").glob("p*.md"):
        text = path.read_text()
        title = re.search(r"^# P(\d+): (.*)$", text, re.M)
        target = re.search(r"^Target: (.*)\.$", text, re.M)
        measured = re.search(r"^Measured: (.*)$", text, re.M)
        if title and target and measured:
            rows.append((int(title[1]), path.name, title[2], target[1], measured[1].rstrip(".")))
    lines = ["# Results", "", "Each row is measured by `bench/p<n>_*`, all by `make bench`. What a peer's acknowledgement "
             "means, CPU and latencies are in the row's file.", "", "| row | what | target | measured |",
             "| --- | --- | --- | --- |"]
    lines += [f"| [P{number}]({name}) | {title} | {target} | {measured} |" for number, name, title, target, measured in
              sorted(rows)]
    (BENCH / "results/README.md").write_text("\n".join(lines) + "\n")


main()
