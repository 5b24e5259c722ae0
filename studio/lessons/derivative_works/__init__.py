"""Lesson 14: one loop behind prices, melodies and dreams, and whose work comes out."""
