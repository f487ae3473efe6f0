import unittest

from report import scale


class ScaleTests(unittest.TestCase):
    def test_a_decade_has_one_length_everywhere(self):
        axis = scale.LogScale(1, 1000, 100, 400)
        self.assertEqual([round(axis(value), 6) for value in (1, 10, 100, 1000)], [100, 200, 300, 400])

    def test_the_ends_are_powers_of_ten_around_the_values(self):
        self.assertEqual(scale.decades(12, 3400), (10, 10_000))
        self.assertEqual(scale.decades(10, 10_000), (10, 10_000))
        self.assertEqual(scale.decades(100, 100), (100, 1000))
        self.assertEqual(scale.decades(0.5, 2), (0.1, 10))

    def test_ticks(self):
        self.assertEqual(scale.decade_ticks(1, 2000), [1, 10, 100, 1000])
        self.assertEqual(scale.decade_ticks(1000, 1e6), [1e3, 1e4, 1e5, 1e6])
        self.assertEqual(scale.minor_ticks(1, 30), [2, 3, 4, 5, 6, 7, 8, 9, 20, 30])
        self.assertEqual(scale.size_ticks(1 << 10, 10 << 20), [1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20])

    def test_texts(self):
        for microseconds, text in (
            (0.5, "0.50 µs"), (12.34, "12.3 µs"), (812.4, "812 µs"), (999.4, "999 µs"), (999.6, "1.00 ms"),
            (1449, "1.45 ms"), (9994, "9.99 ms"), (9996, "10.0 ms"), (2_300_000, "2.30 s"), (7.2e9, "7,200 s"),
        ):
            self.assertEqual(scale.time_text(microseconds), text)
        self.assertEqual([scale.tick_text(10.0**power) for power in range(2, 8)],
                         ["100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s"])
        self.assertEqual([scale.size_tick_text(count << 10) for count in (1, 10, 100, 1024, 10240)],
                         ["1 KiB", "10", "100", "1 MiB", "10"])
