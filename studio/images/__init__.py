"""Pictures: deep dream and style transfer with pretrained networks, and reading and writing pictures
safely.
"""
