"""The programs that are measured: Wellhead, and its peers with the settings that make the comparison fair."""
import getpass
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
BUILD = pathlib.Path(os.environ.get("WELLHEAD_BUILD", ROOT / "build/release"))
BINARY = pathlib.Path(os.environ.get("WELLHEAD_BINARY", BUILD / "src/server/wellhead"))
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, limit_s=20):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


class Server:
    """A process and what it uses. durability says what an acknowledgement of it means."""

    name = ""
    durability = ""

    def start(self, command, **kwargs):
        self.process = subprocess.Popen(command, **kwargs)

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_kib(self, field="RssAnon"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        return 0

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Directory:
    """Scratch on the disk that is measured (BENCH_DIR, or build/)."""

    def __init__(self):
        base = pathlib.Path(os.environ.get("BENCH_DIR", ROOT / "build"))
        base.mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=base))

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Wellhead(Server):
    name = "wellhead"
    durability = "on stable storage"

    def __init__(self, template=None, options=()):
        self.directory = Directory()
        self.data = self.directory.path / "data"
        command = [str(BINARY), "up", *([str(template)] if template else []), "--data-dir", str(self.data), "--port", "0",
                   "--mqtt-port", "0", "--plain-mqtt-port", "0", "--console-port", "0", *options]
        self.log = open(self.directory.path / "log", "wb")
        begun = time.monotonic()
        self.start(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            self.endpoints = self._read_endpoints()
        except RuntimeError:
            self.stop()
            raise
        self.ready_after_s = time.monotonic() - begun
        self.port = self.endpoints["port"]
        self.mqtt_port = self.endpoints["plain_mqtt_port"]
        self.mqtts_port = self.endpoints["mqtt_port"]
        self.region = self.endpoints["region"]
        key = self._root_key()
        self.key = (key["AWS_ACCESS_KEY_ID"], key["AWS_SECRET_ACCESS_KEY"])

    def _read_endpoints(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError("wellhead did not start: " + (self.directory.path / "log").read_text()[-2000:])

    def _root_key(self):
        lines = subprocess.run([str(BINARY), "env", "--data-dir", str(self.data)], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        return dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export AWS_S") or
                    line.startswith("export AWS_ACCESS"))

    def stop(self):
        super().stop()
        self.log.close()
        self.directory.remove()


class Mosquitto(Server):
    """In memory and without limits on queues, so that it drops nothing and is as fast as it can be."""

    name = "mosquitto"
    durability = "in memory"

    def __init__(self, tls=None):
        self.directory = Directory()
        self.mqtt_port = free_port()
        self.mqtts_port = free_port() if tls else None
        lines = [f"listener {self.mqtt_port} 127.0.0.1", "allow_anonymous true", "persistence false",
                 "max_inflight_messages 0", "max_queued_messages 0", "set_tcp_nodelay true", "log_type none",
                 f"user {getpass.getuser()}"]
        if tls:
            lines += [f"listener {self.mqtts_port} 127.0.0.1", f"cafile {tls.client_authority}",
                      f"certfile {tls.server_certificate}", f"keyfile {tls.server_key}", "require_certificate true"]
        config = self.directory.path / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        self.start(["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.mqtt_port)

    def stop(self):
        super().stop()
        self.directory.remove()


def npm_peers():
    """bench/node_modules, from bench/package.json."""
    modules = BENCH / "node_modules"
    if not modules.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=BENCH, check=True)
    return modules


class Kinesalite(Server):
    name = "kinesalite"
    durability = "in memory, signature not checked"
    region = "us-east-1"
    key = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    def __init__(self):
        self.port = free_port()
        self.start(["node", str(npm_peers() / "kinesalite/cli.js"), "--port", str(self.port), "--createStreamMs", "10",
                    "--shardLimit", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)
