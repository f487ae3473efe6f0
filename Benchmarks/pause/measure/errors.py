"""What ends a measurement with a sentence that says what to do."""


class BenchmarkError(Exception):
    pass


def expect(condition, sentence):
    if not condition:
        raise BenchmarkError(sentence)
