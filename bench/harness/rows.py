"""Side by side: A B A B ..., medians, a table with durability and CPU beside the rate, bench/results/<row>.md."""
import json
import os
import statistics
import subprocess
import sys

from .processes import BENCH, BUILD

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))


def load(server, program, *arguments, seconds=None, warmup=1):
    """One run of a load generator: its figures, and the server's CPU seconds while it measured."""
    command = [str(BUILD / "bench" / program), *map(str, arguments), "--seconds", str(seconds or SECONDS), "--warmup",
               str(warmup)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = process.stderr.readline()
    before = server.cpu_seconds()
    after = None
    # The generator may wait for the rest after its last measured second: CPU is read when that second is over.
    try:
        process.wait(seconds or SECONDS)
    except subprocess.TimeoutExpired:
        after = server.cpu_seconds()
    out, errors = process.communicate()
    if process.returncode != 0 or not out:
        raise RuntimeError(f"{' '.join(command)}: {first}{errors}")
    figures = json.loads(out)
    figures["cpu"] = (after or server.cpu_seconds()) - before
    return figures


def alternate(sides, runs=RUNS):
    """sides: name -> function that measures once. name -> the runs' figures."""
    results = {name: [] for name in sides}
    for run in range(runs):
        for name, measure in sides.items():
            results[name].append(measure())
            print(f"run {run + 1} {name}: {results[name][-1]['rate']:.0f}/s", file=sys.stderr)
    return results


def median(runs, field):
    return statistics.median(run.get(field, 0) for run in runs)


def cpu_per_million(runs, scale=1):
    return statistics.median(run["cpu"] / max(run["messages"] * scale, 1) * 1e6 for run in runs)


class Comparison:
    """One table of a row: ours beside the peer's."""

    def __init__(self, title, unit, results, servers, scale=1):
        """servers: name -> what its acknowledgement means. The first is ours. scale: units a measured operation."""
        self.title = title
        self.unit = unit
        self.results = results
        self.durability = servers
        self.scale = scale

    def rate(self, name):
        return median(self.results[name], "rate") * self.scale

    def ratio(self):
        ours, theirs = list(self.results)[:2]
        return self.rate(ours) / self.rate(theirs)

    def cpu_ratio(self):
        ours, theirs = list(self.results)[:2]
        return cpu_per_million(self.results[ours], self.scale) / cpu_per_million(self.results[theirs], self.scale)

    def lines(self):
        lines = [f"## {self.title}", "",
                 f"| server | {self.unit}/s | lowest .. highest | CPU s per million | p50 us | p99 us | acknowledged means |",
                 "| --- | --- | --- | --- | --- | --- | --- |"]
        for name, runs in self.results.items():
            rates = sorted(run["rate"] * self.scale for run in runs)
            latency = [f"{median(runs, field):,.0f}" if any(field in run for run in runs) else "" for field in
                       ("p50_us", "p99_us")]
            lines.append(f"| {name} | {self.rate(name):,.0f} | {rates[0]:,.0f} .. {rates[-1]:,.0f} | "
                         f"{cpu_per_million(runs, self.scale):.2f} | {latency[0]} | {latency[1]} | "
                         f"{self.durability[name]} |")
        if len(self.results) > 1:
            lines += ["", f"Rate {self.ratio():.1f}x, CPU {self.cpu_ratio():.2f}x."]
        return lines + [""]


def write_row(row, title, target, measured, lines, met, how=None):
    """bench/results/<row>.md. measured: one line for the table of all rows. how: other than runs that alternate."""
    text = "\n".join([f"# {row.upper()}: {title}", "", f"Target: {target}.", "",
                      f"Measured: {measured}.{'' if met else ' Not reached.'}", "",
                      f"{os.cpu_count()} cores, the load generator's own work included; " +
                      (how or f"{RUNS} runs each, alternating, {SECONDS:g} s; medians") + ".", "", *lines])
    directory = BENCH / "results"
    directory.mkdir(exist_ok=True)
    (directory / f"{row.lower()}.md").write_text(text.rstrip() + "\n")
    print(text)
