"""A certificate authority of the tests, for TLS servers on loopback."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=2)


@dataclass(frozen=True)
class Authority:
    """Signs certificates that are valid for two days."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def trusted(self) -> ssl.SSLContext:
        """A context for clients that trust only this authority."""
        context = ssl.create_default_context(cadata=_pem(self.certificate).decode())
        context.verify_flags &= (
            ~ssl.VERIFY_X509_STRICT
        )  # strict mode requires extensions that this authority lacks
        return context

    def issue(self, host: str, folder: Path, name: str) -> None:
        """Write `folder/name.pem` and `folder/name.key` for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(host, key, self.certificate.subject)
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signed = made.add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.pem").write_bytes(_pem(signed))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.key").write_bytes(private)


@cache
def authority() -> Authority:
    """The one authority of this process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    basic = x509.BasicConstraints(ca=True, path_length=None)
    made = _builder("Tests", key, name).add_extension(basic, critical=True)
    return Authority(key, made.sign(key, hashes.SHA256()))


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - LIFE,
        not_valid_after=now + LIFE,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
