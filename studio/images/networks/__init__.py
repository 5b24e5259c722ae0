"""Pretrained networks: the table of them, how they are opened, and how they are prepared for speed."""
