"""The paintings that come with the studio."""
