"""Writes tunes: MIDI, MusicXML, ABC, engraved pages and piano rolls."""
