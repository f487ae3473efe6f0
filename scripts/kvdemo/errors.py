"""What ends the demo with a sentence."""


class DemoError(Exception):
    pass


def expect(condition, sentence):
    if not condition:
        raise DemoError(sentence)
