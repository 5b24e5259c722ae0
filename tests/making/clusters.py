"""Keys for somebody else's cluster, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.making.keys import FILES, keys_for_this_studio


def write_keys(folder: Path) -> Any:
    """Write ca.pem, cert.pem and key.pem, and give the same keys to start a scheduler with."""
    security = keys_for_this_studio()
    folder.mkdir()
    contents = (security.tls_ca_file, security.tls_client_cert, security.tls_client_key)
    for name, content in zip(FILES.values(), contents, strict=True):
        (folder / name).write_text(str(content))
    return security
