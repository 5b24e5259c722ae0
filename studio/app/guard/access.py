"""Who may ask: the rules that `studio app` is started with, and how a request is measured by them."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from studio.errors import Refused

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
"""The names by which a computer calls itself."""

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods of requests that may change something."""

PLUGINS = ("object", "embed")
"""Elements by which another page takes a whole page into itself, beside frames."""


@dataclass(frozen=True)
class Login:
    """The user and the password that visitors have to give."""

    user: str
    password: str = field(repr=False)

    def accepts(self, user: str, password: str) -> bool:
        """Whether both are right. It takes the same time whatever is wrong."""
        right = hmac.compare_digest(_digest(user), _digest(self.user))
        return hmac.compare_digest(_digest(password), _digest(self.password)) and right


@dataclass(frozen=True)
class Access:
    """The rules a studio is opened with.

    host, port: where it listens. allowed_hosts: further names it may be called by. proxies: addresses of
    reverse proxies whose X-Forwarded headers are believed. embed_in: origins whose pages may show it in a
    frame. login: what visitors have to give, if anything.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    allowed_hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    embed_in: tuple[str, ...] = ()
    login: Login | None = None

    def __post_init__(self) -> None:
        for name in self.allowed_hosts:
            if host_of(name) is None:
                raise Refused(f"'{name[:80]}' is not a host name: write it as in studio.example.org.")
        for proxy in self.proxies:
            if _address(proxy) is None:
                raise Refused(f"'{proxy[:80]}' is not the address of a proxy: write it as in 192.168.0.2.")
        for origin in self.embed_in:
            if not is_origin(origin):
                raise Refused(f"'{origin[:80]}' is not an origin: write it as in https://course.example.org.")

    @property
    def is_local(self) -> bool:
        """Whether only programs on this computer can reach it: at its own address, with no proxy in front."""
        return is_loopback(self.host) and not self.proxies

    def allows_host(self, header: str) -> bool:
        """Whether a request with this Host header is meant for this studio.

        A page elsewhere can have its own name resolve to this computer (DNS rebinding), but it cannot choose
        what the browser writes here. Where the studio listens at every address, any address is allowed.
        """
        name = host_of(header)
        if name is None:
            return False
        known = {*LOOPBACK_NAMES, host_of(_bracketed(self.host)), *map(host_of, self.allowed_hosts)}
        return name in known or (self.host in ("0.0.0.0", "::", "") and _address(name) is not None)

    def is_proxy(self, address: str) -> bool:
        """Whether this is the address of a proxy that was named."""
        return _address(address) is not None and _address(address) in map(_address, self.proxies)


def host_of(header: str) -> str | None:
    """The name in a Host header, without its port, in lower case; None where it is malformed."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]{2,45})\]|([\w.-]{1,253}))(?::\d{1,5})?", header, re.ASCII)
    return (match[1] or match[2]).lower().rstrip(".") or None if match else None


def is_loopback(host: str) -> bool:
    """Whether a server that listens there can be reached from this computer alone."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def is_origin(text: str) -> bool:
    """Whether this is scheme, host and port, and nothing else, so that it can stand in a header."""
    return (
        re.fullmatch(r"https?://(?:\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,253})(?::\d{1,5})?", text, re.ASCII)
        is not None
    )


def is_foreign(method: str, headers: Mapping[str, str], own_origin: str) -> bool:
    """Whether a page of another origin makes this request, and may not.

    A browser says where a request comes from (Sec-Fetch-Site, Origin), and no page can change that. Programs
    such as curl and gradio_client say nothing. A link from elsewhere may be followed, but another page may
    neither send anything here nor load anything of the studio into itself.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None:  # an older browser, or one that was not told by https or the loopback address
        return origin is not None and not same_origin(origin, own_origin)
    if site in ("same-origin", "none"):
        return False
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") not in PLUGINS
    return method in CHANGING or not followed


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port."""
    try:
        return _parts(one) == _parts(other)
    except ValueError:
        return False


def client_behind(proxies: Access, forwarded_for: Iterable[str]) -> str | None:
    """The visitor's address in X-Forwarded-For: the last one that is no proxy of ours, since a visitor can
    write anything before it.
    """
    for address in reversed([each.strip() for each in forwarded_for]):
        if _address(address) is None:
            return None
        if not proxies.is_proxy(address):
            return address
    return None


def _parts(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
