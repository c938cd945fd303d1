"""Photographs the pages of a service that has seen a month: ``python -m scripts.screenshots --out DIR``."""
