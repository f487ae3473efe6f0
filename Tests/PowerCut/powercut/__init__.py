"""A release root on a disk whose power is cut."""
