"""Image towers of our own, made known to timm so that open_clip builds them like any other."""
