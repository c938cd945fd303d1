"""Faults on purpose: what must hold while things break, held against a real service and a real database."""
