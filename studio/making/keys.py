"""The keys with which the studio, a Dask scheduler and its workers know each other.

Whoever may speak to a scheduler may run any code as its user. So every connection is encrypted, and both
ends show a certificate that the same authority signed (mutual TLS). For workers that are started here, the
keys are made at the start, stay in memory, and end with the studio. For somebody else's cluster they are
files:

    STUDIO_CLUSTER_KEYS=FOLDER     with ca.pem, cert.pem and key.pem
    STUDIO_CLUSTER_CA, STUDIO_CLUSTER_CERT, STUDIO_CLUSTER_KEY     or each by itself
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from distributed.security import Security

from studio.errors import Missing, Refused, Unreadable

FOLDER = "STUDIO_CLUSTER_KEYS"
FILES = {
    "STUDIO_CLUSTER_CA": "ca.pem",
    "STUDIO_CLUSTER_CERT": "cert.pem",
    "STUDIO_CLUSTER_KEY": "key.pem",
}
"""Where each file is named, and its name in the folder."""

WITHOUT = "STUDIO_CLUSTER_WITHOUT_KEYS"
"""Set to 1, a scheduler on this computer is used without keys."""

ADDRESS = re.compile(r"(?:(?P<protocol>\w+)://)?\[?(?P<host>[\w.:-]+?)\]?:(?P<port>\d+)(?:/.*)?")
"""A scheduler's address. Dask would take a word for a host's name, look it up for 20 seconds, and leave a
traceback.
"""

VALID_FOR = timedelta(days=365)


def keys_for_this_studio() -> Security:
    """Keys for a scheduler and workers that are started here, known to nobody else and only in memory.

    One key on the curve P-256 that signs its own certificate, for all of them. (`Security.temporary` does the
    same with an RSA key, which takes a tenth of a second.)
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "studio")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a clock that is put back must not end the studio
        .not_valid_after(now + VALID_FOR)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return _security(certificate, certificate, secret)


def keys_for(scheduler: str, environment: Mapping[str, str] = os.environ) -> Security | None:
    """Keys for somebody else's scheduler, from the files that the environment names.

    None where it is meant to be used without: on this computer, and `STUDIO_CLUSTER_WITHOUT_KEYS` is 1.
    Raises `Refused` for what is not an address, or for one without keys; `Missing` and `Unreadable` for files
    that are not there, or not keys.
    """
    address = ADDRESS.fullmatch(scheduler)
    if address is None:
        raise Refused(
            f"'{scheduler[:80]}' is not the address of a scheduler; give host and port, such as "
            "tls://192.168.0.5:8786."
        )
    files = _files(environment)
    if files is None:
        if environment.get(WITHOUT) == "1" and address["protocol"] != "tls" and _is_here(address["host"]):
            return None
        raise Refused(
            f"The scheduler at {scheduler} would be used without keys, so anyone who reaches it could run "
            f"code there and here; put ca.pem, cert.pem and key.pem into a folder and name it in {FOLDER}."
        )
    if address["protocol"] != "tls":
        raise Refused(
            f"With keys, the address of the scheduler must begin with tls://, but {scheduler} does not; "
            "start the scheduler over TLS, with the same keys."
        )
    for file in files:
        if not file.is_file():
            raise Missing(f"There is no {file}; it should be one of the cluster's keys (see {FOLDER}).")
    security = _security(*map(str, files))
    try:
        security.get_connection_args("client")
    except (ssl.SSLError, OSError, ValueError):
        raise Unreadable(
            f"{', '.join(map(str, files))} are not an authority, a certificate and its key in PEM; "
            "take those that the scheduler was started with."
        ) from None
    return security


def _files(environment: Mapping[str, str]) -> list[Path] | None:
    """The authority, the certificate and the key, or None where none is named. Raises `Refused`."""
    folder = environment.get(FOLDER, "")
    named = [environment.get(name, "") for name in FILES]
    if not folder and not any(named):
        return None
    if not folder and not all(named):
        lacking = next(name for name, place in zip(FILES, named, strict=True) if not place)
        raise Refused(f"The cluster's keys are three files, but {lacking} is not set; set it, or {FOLDER}.")
    return [
        Path(place or Path(folder) / file).expanduser()
        for place, file in zip(named, FILES.values(), strict=True)
    ]


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _security(authority: str, certificate: str, key: str) -> Security:
    roles = ("client", "scheduler", "worker")
    return Security(
        require_encryption=True,
        tls_ca_file=authority,
        **{f"tls_{role}_cert": certificate for role in roles},
        **{f"tls_{role}_key": key for role in roles},
    )
