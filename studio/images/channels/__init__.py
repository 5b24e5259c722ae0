"""The channels of the usual network: a picture of each, words to find it by, and which a photo excites."""
