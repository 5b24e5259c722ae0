"""Plays a sound file with the player this computer has."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.errors import Refused

PLAYERS = (
    ("afplay",),
    ("paplay",),
    ("pw-play",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
)
"""Commands that play a file and end with it, in the order they are looked for."""


def play_file(wav: bytes) -> None:
    """Play a WAV file and wait for its end. Raises `Refused` where no player is found or it fails."""
    if sys.platform == "win32":
        import winsound

        winsound.PlaySound(wav, winsound.SND_MEMORY)
        return
    found = next((player for player in PLAYERS if shutil.which(player[0])), None)
    if found is None:
        raise Refused("No sound player was found on this computer; save the tune as .wav and open that.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tune.wav"
        path.write_bytes(wav)
        try:
            subprocess.run([*found, str(path)], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            raise Refused(
                f"{found[0]} could not play the sound; save the tune as .wav and open that."
            ) from None
