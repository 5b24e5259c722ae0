"""Who is logged in, and how long somebody has to wait who guessed wrong."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

LASTS = 7 * 24 * 3600.0
"""Seconds after which a visitor has to log in again."""

MOST_SESSIONS = 2_000
"""Sessions kept; whoever has been away longest has to log in again."""

Clock = Callable[[], float]


class Sessions:
    """The sessions of one server. They end with it, and each ends alone.

    Only the hash of a token is kept, so a token cannot be found by timing the look-up.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def begin(self) -> str:
        """A new token, which nobody can guess."""
        token = secrets.token_urlsafe(32)
        self._ends[_hash(token)] = self._clock() + LASTS
        while len(self._ends) > MOST_SESSIONS:
            self._ends.popitem(last=False)
        return token

    def known(self, token: str | None) -> bool:
        """Whether a session with this token goes on."""
        if not token or len(token) > 100:
            return False
        key = _hash(token)
        ends = self._ends.get(key)
        if ends is None:
            return False
        if ends <= self._clock():
            del self._ends[key]
            return False
        self._ends.move_to_end(key)
        return True

    def end(self, token: str | None) -> None:
        """Log out whoever has this token, and nobody else."""
        if token:
            self._ends.pop(_hash(token), None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


# --- Slowing


FREE_GUESSES = 3
"""Wrong guesses before anybody has to wait."""

LONGEST_WAIT = 900.0
"""Seconds an address waits at most between two guesses."""

LONGEST_WAIT_OF_USER = 20.0
"""Seconds between two guesses at a user's password, from wherever. Short, since the user waits as well."""

FORGOTTEN_AFTER = 3600.0
"""Seconds after which a wrong guess no longer counts."""

MOST_REMEMBERED = 4_096
"""Addresses and users whose guesses are counted; the oldest are forgotten first."""


@dataclass
class _Guesses:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class Slowing:
    """Counts wrong guesses by address and by user, and says how long the next has to wait.

    After a few, each wrong guess doubles the wait. An IPv6 visitor owns a whole /64, so that is one address.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._guesses: OrderedDict[str, _Guesses] = OrderedDict()

    def wait(self, address: str, user: str) -> float:
        """Seconds until this address may guess at this user's password again; 0 if it may now."""
        now = self._clock()
        waits = [self._recent(key, now).until - now for key, _ in _keys(address, user)]
        return max(0.0, *waits)

    def wrong(self, address: str, user: str) -> None:
        """Count a wrong guess."""
        now = self._clock()
        for key, longest in _keys(address, user):
            guesses = self._recent(key, now)
            guesses.count += 1
            guesses.last = now
            if guesses.count >= FREE_GUESSES:
                guesses.until = now + min(longest, 2.0 ** min(guesses.count - FREE_GUESSES, 20))
            self._guesses[key] = guesses
            self._guesses.move_to_end(key)
        while len(self._guesses) > MOST_REMEMBERED:
            self._guesses.popitem(last=False)

    def right(self, address: str, user: str) -> None:
        """Forget the wrong guesses before a right one."""
        for key, _ in _keys(address, user):
            self._guesses.pop(key, None)

    def __len__(self) -> int:
        return len(self._guesses)

    def _recent(self, key: str, now: float) -> _Guesses:
        guesses = self._guesses.get(key)
        return _Guesses() if guesses is None or now - guesses.last > FORGOTTEN_AFTER else guesses


def _keys(address: str, user: str) -> tuple[tuple[str, float], tuple[str, float]]:
    named = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
    return (f"address {_network(address)}", LONGEST_WAIT), (f"user {named}", LONGEST_WAIT_OF_USER)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
