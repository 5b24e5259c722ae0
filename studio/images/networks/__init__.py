"""Pretrained networks: which there are, how they are opened, and how they are prepared for speed."""
