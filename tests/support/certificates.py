"""A certificate authority of the tests' own, and what it signs: for servers on loopback that speak TLS."""

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
    """Signs certificates for a day or so."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def trusted(self) -> ssl.SSLContext:
        """For clients that trust it alone."""
        context = ssl.create_default_context(cadata=_pem(self.certificate).decode())
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # which asks for more than a test's authority has
        return context

    def issue(self, host: str, folder: Path, name: str) -> None:
        """`folder/name.pem` and `folder/name.key`, for a host."""
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
    """One serves all tests of a process."""
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
