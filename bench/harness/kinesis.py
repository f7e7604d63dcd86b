"""The rows of Kinesis: Wellhead and kinesalite over HTTP."""
import time

from .aws import Caller, wire_request
from .processes import Kinesalite, Wellhead
from .rows import Comparison, alternate, load, median, write_row

CONNECTIONS = 8


def make_stream(server, name, shards):
    caller = Caller(server)
    caller.call("kinesis", "CreateStream", {"StreamName": name, "ShardCount": shards})
    while caller.call("kinesis", "DescribeStream", {"StreamName": name})["StreamDescription"]["StreamStatus"] != "ACTIVE":
        time.sleep(0.05)
    return caller


def compare_puts(row, title, operation, body, records, expected, target, is_met):
    with Wellhead() as wellhead, Kinesalite() as kinesalite:
        def measure(server):
            name = f"bench-{time.time_ns()}"
            caller = make_stream(server, name, 4)
            request = wellhead.directory.path / "request"
            request.write_bytes(wire_request(server, "kinesis", operation, {"StreamName": name, **body}))
            figures = load(server, "http_load", "--port", server.port, "--connections", CONNECTIONS, "--request", request,
                           "--expect", expected)
            caller.call("kinesis", "DeleteStream", {"StreamName": name})
            return figures

        # The load generator counts calls; the table counts records.
        def records_of(server):
            figures = measure(server)
            return {**figures, "rate": figures["rate"] * records, "messages": figures["messages"] * records}

        results = alternate({s.name: lambda s=s: records_of(s) for s in (wellhead, kinesalite)})
        table = Comparison(f"{CONNECTIONS} connections; the latencies are of a call", "records", results,
                           {"wellhead": "on stable storage, SigV4 checked", "kinesalite": kinesalite.durability})
    ours = results["wellhead"]
    write_row(row, title, target,
              f"{table.ratio():.1f}x ({table.rate('wellhead'):,.0f} records/s), p50 {median(ours, 'p50_us') / 1000:.1f} ms, "
              f"p99 {median(ours, 'p99_us') / 1000:.1f} ms", table.lines(), is_met(table, ours))
