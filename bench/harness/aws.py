"""Signed AWS requests, as bytes for a load generator or sent at once. Standard library only."""
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed_headers(server, service, method, path, query, headers, body):
    """headers with Signature Version 4 added."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "host": f"127.0.0.1:{server.port}", "x-amz-date": now,
               "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    names = sorted(headers)
    canonical_path = urllib.parse.quote(path, safe="/-_.~") if service == "s3" else urllib.parse.quote(
        urllib.parse.quote(path, safe="/-_.~"), safe="/-_.~")
    canonical = "\n".join([method, canonical_path, query, *(f"{n}:{headers[n]}" for n in names), "", ";".join(names),
                           headers["x-amz-content-sha256"]])
    scope = f"{now[:8]}/{server.region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + server.key[1]).encode()
    for part in (now[:8], server.region, service, "aws4_request"):
        key = _hmac(key, part)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={server.key[0]}/{scope}, SignedHeaders={';'.join(names)}, "
                                f"Signature={signature}")
    return headers


TARGETS = {"kinesis": ("Kinesis_20131202", "1.1"), "athena": ("AmazonAthena", "1.1"), "glue": ("AWSGlue", "1.1")}


def json_request(server, service, operation, body):
    """(headers, body) of an operation of a JSON service."""
    target, version = TARGETS[service]
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{target}.{operation}"}
    return signed_headers(server, service, "POST", "/", "", headers, data), data


def wire_request(server, service, operation, body):
    """The request as it goes over the wire."""
    headers, data = json_request(server, service, operation, body)
    head = "POST / HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    return head.encode() + f"content-length: {len(data)}\r\n\r\n".encode() + data


class Caller:
    """One connection to a server's AWS port."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def send(self, method, path, query, headers, body):
        self.connection.request(method, path + ("?" + query if query else ""), body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {data[:500]!r}")
        return data

    def call_raw(self, service, operation, body):
        headers, data = json_request(self.server, service, operation, body)
        return self.send("POST", "/", "", headers, data)

    def call(self, service, operation, body):
        data = self.call_raw(service, operation, body)
        return json.loads(data) if data else {}

    def rest(self, service, method, path, body=None, query=""):
        data = json.dumps(body).encode() if body is not None else b""
        headers = signed_headers(self.server, service, method, path, query, {"content-type": "application/json"}, data)
        data = self.send(method, path, query, headers, data)
        return json.loads(data) if data else {}
