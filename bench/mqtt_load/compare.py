"""Wellhead's broker and mosquitto side by side: ABAB, median of five, CPU per million messages beside.

Needs build/release (or WELLHEAD_BUILD) with the targets mqtt_load and bench_broker, and mosquitto on the path.
"""
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WELLHEAD_BUILD", ROOT / "build/release"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = os.environ.get("BENCH_SECONDS", "3")
TICKS = os.sysconf("SC_CLK_TCK")


class Broker:
    """A broker process on a port of its own."""

    def __init__(self, command, port=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = port or int(self.process.stdout.readline())
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"{command[0]} does not listen")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
        return 0

    def stop(self):
        self.process.terminate()
        self.process.wait()


def mosquitto(directory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = pathlib.Path(directory) / "mosquitto.conf"
    # In memory and without limits on queues: as fast as it goes.
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
                      "max_inflight_messages 0\nmax_queued_messages 0\n")
    return Broker(["mosquitto", "-c", str(config)], port)


def wellhead(directory, durable, threads=1):
    command = [str(BUILD / "bench/bench_broker"), "--threads", str(threads)]
    if durable:
        command += ["--log", directory]
    return Broker(command)


def load(broker, arguments):
    """One run of the load generator; its figures, and the broker's CPU seconds from the first to the last message."""
    process = subprocess.Popen([str(BUILD / "bench/mqtt_load"), *arguments, "--port", str(broker.port),
                                "--seconds", SECONDS, "--warmup", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stderr.readline()  # "measuring"
    before = broker.cpu_seconds()
    out, _ = process.communicate()
    figures = json.loads(out)
    figures["cpu"] = broker.cpu_seconds() - before
    return figures


def measure(make, arguments):
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR", ROOT / "build")) as directory:
        broker = make(directory)
        try:
            return load(broker, arguments)
        finally:
            broker.stop()


def compare(row, title, arguments, durable, target):
    """Runs A B A B ..., prints and writes the table of the row."""
    sides = {"wellhead" + (" (durable)" if durable else ""): lambda d: wellhead(d, durable), "mosquitto (in memory)": mosquitto}
    results = {name: [] for name in sides}
    for run in range(RUNS):
        for name, make in sides.items():
            results[name].append(measure(make, arguments))
            print(f"{row} run {run + 1} {name}: {results[name][-1]['rate']:.0f}/s", file=sys.stderr)
    lines = [f"# {row}: {title}", "", f"`mqtt_load {' '.join(arguments)}`, {RUNS} runs each, alternating, {SECONDS} s; medians. "
             f"{os.cpu_count()} cores, load generator included.", "",
             "| broker | messages/s | lowest .. highest | CPU s per million | p50 us | p99 us |", "| --- | --- | --- | --- | --- | --- |"]
    medians = {}
    for name, runs in results.items():
        rates = sorted(r["rate"] for r in runs)
        cpu = statistics.median(r["cpu"] / r["messages"] * 1e6 for r in runs)
        medians[name] = (statistics.median(rates), cpu)
        latency = [statistics.median(r.get(k, 0) for r in runs) for k in ("p50_us", "p99_us")]
        lines.append(f"| {name} | {medians[name][0]:,.0f} | {rates[0]:,.0f} .. {rates[-1]:,.0f} | {cpu:.2f} | "
                     f"{latency[0]:,.0f} | {latency[1]:,.0f} |")
    ours, theirs = medians.values()
    lines += ["", f"Rate {ours[0] / theirs[0]:.1f}x, CPU per message {ours[1] / theirs[1]:.2f}x. Target: {target}.", ""]
    text = "\n".join(lines)
    results_directory = ROOT / "bench/results"
    results_directory.mkdir(exist_ok=True)
    (results_directory / f"{row.lower()}.md").write_text(text)
    print(text)
