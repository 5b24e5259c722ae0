"""Reads tunes from files: MIDI, MusicXML, ABC, Humdrum kern."""
