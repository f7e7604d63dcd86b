"""The rows of ingest: the same load on Wellhead and mosquitto, plain with and without a rule, and over mutual TLS."""
from .processes import BENCH, Mosquitto, Wellhead
from .rows import Comparison, alternate, load, write_row
from .tls import Certificates

RULE = ("plain MQTT; Wellhead: policy, rule `SELECT *`, Kinesis stream of 2 shards, fsync, then PUBACK", "bench/{}/data",
        "the reading is in the stream, on stable storage", False)
NO_RULE = ("plain MQTT, a topic without rule and subscriber", "bench/{}/nothing",
           "seen: there is nobody to keep it for, so there is nothing to make durable", False)
TLS = ("mutual TLS, with the rule", "bench/{}/data", "the reading is in the stream, on stable storage", True)


def measure_ingest(row, title, arguments, target, is_met):
    with Wellhead(BENCH / "pipeline.yaml") as wellhead:
        certificates = Certificates(wellhead)
        with Mosquitto(certificates) as mosquitto:
            tables = [_compare(case, wellhead, mosquitto, certificates, arguments) for case in (RULE, NO_RULE, TLS)]
    first = tables[0]
    measured = (f"{first.ratio():.1f}x the rate ({first.rate('wellhead'):,.0f}/s), {first.cpu_ratio():.2f}x the CPU; "
                f"without a rule {tables[1].ratio():.1f}x, {tables[1].cpu_ratio():.2f}x; over mutual TLS "
                f"{tables[2].ratio():.1f}x, {tables[2].cpu_ratio():.2f}x")
    write_row(row, title, target, measured, sum((table.lines() for table in tables), []), is_met(first))


def _compare(case, wellhead, mosquitto, certificates, arguments):
    title, topic, meaning, tls = case

    def run(server):
        port = server.mqtts_port if tls else server.mqtt_port
        return load(server, "mqtt_load", "publish", "--port", port, "--payload", 128, "--topic", topic, *arguments,
                    *(certificates.arguments() if tls else []))

    results = alternate({"wellhead": lambda: run(wellhead), "mosquitto": lambda: run(mosquitto)})
    return Comparison(title, "messages", results, {"wellhead": meaning, "mosquitto": "in memory"})
