"""Measures the pause of an upgrade: both peers, alternating."""
