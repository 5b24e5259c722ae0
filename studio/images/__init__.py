"""Pictures: deep dream by gradient ascent on a pretrained network, and what it takes to read and write
pictures safely.
"""
