"""HTTPS without an outside service: the household's own certificate authority, and a server certificate from it."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Papers", "certified", "names_here"]

AUTHORITY_DAYS, SERVER_DAYS = 3650, 397  # phones refuse a server certificate that is valid for longer
RENEW_BEFORE = timedelta(days=30)
Names = tuple[str, ...]
# The authority can sign only these names and addresses: with its key, a thief cannot pose as a bank to the phones that
# trust it.
LOCAL = ("localhost", "local", "lan", "home", "internal", "home.arpa", "fritz.box")
PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")


class Papers(NamedTuple):
    """The certificate files of a server, and the authority's SHA-256 fingerprint for a person to compare."""

    authority: Path
    certificate: Path
    key: Path
    fingerprint: str


def names_here() -> Names:
    """Return the names and addresses by which other devices of the household reach this machine."""
    host = socket.gethostname().partition(".")[0].lower()
    found = [host, f"{host}.local", "localhost", "127.0.0.1", "::1"]
    # Without a network there is no address to add.
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing, but selects the address that would be used
        found.append(probe.getsockname()[0])
    return tuple(dict.fromkeys(found))


def certified(folder: Path, names: Names) -> Papers:
    """Return a certificate for these names; make a new one if there is none, it expires soon, or it lacks a name."""
    papers = Papers(folder / "authority.pem", folder / "server.pem", folder / "server.key", "")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        held = x509.load_pem_x509_certificate(papers.certificate.read_bytes())
        authority = x509.load_pem_x509_certificate(papers.authority.read_bytes())
        is_good = set(names) <= set(_names(held)) and _lasts(held) and _issued(held, authority)
        is_good = is_good and papers.key.exists()
    except (FileNotFoundError, ValueError):
        is_good = False
    if not is_good:
        _make_server(papers, folder / "authority.key", names)
    der = x509.load_pem_x509_certificate(papers.authority.read_bytes()).fingerprint(hashes.SHA256())
    return papers._replace(fingerprint=der.hex(":").upper())


def _names(certificate: x509.Certificate) -> Names:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return tuple(str(name.value) for name in extension.value)


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= datetime.now(UTC) < certificate.not_valid_after_utc - RENEW_BEFORE


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
        return False
    return True


def _make_server(papers: Papers, authority_key: Path, names: Names) -> None:
    authority, signer = _authority(papers.authority, authority_key, names)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _begun(_called(f"kinwatch at {names[0]}"), SERVER_DAYS)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    certificate = builder.sign(signer, hashes.SHA256())
    _write(papers.key, _pem(key))
    _write(papers.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _authority(path: Path, key_path: Path, names: Names) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the authority; make a new one if there is none that may sign all these names."""
    with suppress(FileNotFoundError, ValueError):
        held = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if _lasts(held) and isinstance(key, ec.EllipticCurvePrivateKey) and all(_covers(held, name) for name in names):
            return held, key
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= dict.fromkeys(("digital_signature", "encipher_only", "decipher_only"), False)
    name = _called(f"kinwatch household {key.public_key().public_numbers().x % 16**6:06x}")
    builder = (
        _begun(name, AUTHORITY_DAYS)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    _write(key_path, _pem(key))
    _write(path, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _begun(name: x509.Name, days: int) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.IPAddress(address) if address else x509.DNSName(name)


def _permitted(names: Names) -> list[x509.GeneralName]:
    """Return what the authority may sign: names and addresses of home networks, and those of this machine."""
    networks = [ipaddress.ip_network(each) for each in PRIVATE]
    addresses = [address for name in names if (address := _address(name))]
    networks += [ipaddress.ip_network(each) for each in addresses if not any(each in net for net in networks)]
    domains = [*LOCAL, *(name for name in names if not _address(name) and not _under(name, LOCAL))]
    return [*(x509.DNSName(each) for each in domains), *(x509.IPAddress(each) for each in networks)]


def _covers(authority: x509.Certificate, name: str) -> bool:
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    address = _address(name)
    if address:
        networks = [ipaddress.ip_network(str(each.value)) for each in permitted if isinstance(each, x509.IPAddress)]
        return any(address in each for each in networks)
    domains = [each.value for each in permitted if isinstance(each, x509.DNSName)]
    return _under(name, domains)


def _under(name: str, domains: Iterable[str]) -> bool:
    return any(name == each or name.endswith(f".{each}") for each in domains)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in one step."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
