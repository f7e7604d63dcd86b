#!/usr/bin/env python3
"""Starts a server and runs every test_*.py of this folder against it, as programs written for AWS are: nothing but the
environment says where AWS is."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def binary():
    for path in (os.environ.get("WELLHEAD_BINARY"), ROOT / "build/release/wellhead", ROOT / "build/dev/src/server/wellhead"):
        if path and pathlib.Path(path).exists():
            return str(path)
    sys.exit("no wellhead binary: build first, or set WELLHEAD_BINARY")


def main():
    data_dir = tempfile.mkdtemp(prefix="wellhead-compat-")
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    log = open(os.path.join(data_dir, "server.log"), "w")
    server = subprocess.Popen(
        [binary(), "up", "--data-dir", data_dir, "--port", "0", "--mqtt-port", "0", "--console-port", "0"],
        stdout=subprocess.PIPE, stderr=log, text=True,
        env=os.environ | {"WELLHEAD_ROOT_ACCESS_KEY_ID": keys["AWS_ACCESS_KEY_ID"], "WELLHEAD_ROOT_SECRET_ACCESS_KEY": keys["AWS_SECRET_ACCESS_KEY"]})
    passed = False
    try:
        ready = next(json.loads(line) for line in server.stdout if line.startswith("{"))
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(keys, AWS_ENDPOINT_URL=ready["endpoint"], AWS_DEFAULT_REGION=ready["region"], AWS_REGION=ready["region"],
                          AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_PAGER="",
                          IOT_PORT=str(ready["mqtt_port"]), IOT_CA=os.path.join(data_dir, "ca.pem"),
                          PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
        if sys.argv[1:2] == ["--java"]:
            classes = os.path.join(sys.argv[2], "*") + os.pathsep + sys.argv[3]
            passed = subprocess.run(["java", "-Xmx256m", "-cp", classes, "Streams"], timeout=120).returncode == 0
            return
        sys.path.insert(0, str(HERE))
        pattern = sys.argv[1] if len(sys.argv) > 1 else "test_*.py"
        result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.discover(str(HERE), pattern))
        passed = result.wasSuccessful() and result.testsRun > 0
    finally:
        server.terminate()
        server.wait(30)
        log.close()
        if not passed:
            print(pathlib.Path(log.name).read_text()[-4000:], file=sys.stderr)
            sys.exit(1)
        shutil.rmtree(data_dir)


if __name__ == "__main__":
    main()
