"""Plays tunes with the samples of a SoundFont."""
