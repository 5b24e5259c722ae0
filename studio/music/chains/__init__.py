"""Markov chains over small integers, automata, and exact sampling under constraints. Nothing here knows
music.
"""
