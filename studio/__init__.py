"""The Derivative Works Studio: making art from art with neural networks, and understanding how."""

__version__ = "0.2.1"
