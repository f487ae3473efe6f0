"""What ends a run."""


class Obstacle(Exception):
    """There can't be such a disk here."""


class Untrue(Exception):
    """What a power cut must not do has happened."""


class Broken(Exception):
    """The run itself can't go on."""


def expect(condition, text):
    if not condition:
        raise Untrue(text)
