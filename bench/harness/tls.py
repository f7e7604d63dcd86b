"""Certificates for mutual TLS: the devices' one comes from Wellhead, by its API; mosquitto trusts the same authority."""
import subprocess

from .aws import Caller


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificates:
    """A P-256 key and certificate for devices, registered and with the template's policy; a server's for the peer."""

    def __init__(self, wellhead, policy="bench"):
        directory = wellhead.directory.path
        self.key = directory / "device.key"
        self.certificate = directory / "device.crt"
        self.client_authority = wellhead.data / "ca.pem"
        request = directory / "device.csr"
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                 "-out", request, "-subj", "/CN=device")
        caller = Caller(wellhead)
        made = caller.rest("iot", "POST", "/certificates", {"certificateSigningRequest": request.read_text()},
                           "setAsActive=true")
        self.certificate.write_text(made["certificatePem"])
        caller.rest("iot", "PUT", f"/target-policies/{policy}", {"target": made["certificateArn"]})
        self.server_key = directory / "server.key"
        self.server_certificate = directory / "server.crt"
        _openssl("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 self.server_key, "-out", self.server_certificate, "-days", "30", "-subj", "/CN=localhost", "-addext",
                 "subjectAltName=DNS:localhost,IP:127.0.0.1")
        # Whom the load generator trusts: either server.
        self.trusted = directory / "trusted.pem"
        self.trusted.write_text(self.client_authority.read_text() + self.server_certificate.read_text())

    def arguments(self):
        return ["--cert", str(self.certificate), "--key", str(self.key), "--ca", str(self.trusted)]
