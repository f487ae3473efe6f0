import unittest

from report.figures import Spread, descriptors_per_worker, rows
from tests import sample


class FiguresTests(unittest.TestCase):
    def test_spread(self):
        self.assertEqual(Spread.of([5, 1, 4, 2, 3]), Spread(median=3, low=2, high=4))
        self.assertEqual(Spread.of([7]), Spread(7, 7, 7))
        self.assertIsNone(Spread.of([]))

    def test_only_what_was_measured_is_a_row(self):
        self.assertEqual([row.case["name"] for row in rows(sample.result())],
                         ["1 worker", "100 workers", "1 MiB in one worker"])

    def test_a_row(self):
        one, hundred, store = rows(sample.result())
        self.assertEqual((one.ours.median, one.otp.median, one.ratio), (2000, 1000, 2.0))
        self.assertEqual((one.load_first, one.load_last), (8.0, 9.0))
        self.assertEqual(hundred.ratio, 10.0)
        self.assertIsNone(one.client)
        self.assertEqual((store.client.median, store.client_quiet.median), (4100, 50))
        self.assertIsNone(store.ratio)

    def test_descriptors_of_each_further_worker(self):
        found = rows(sample.result())
        self.assertEqual(descriptors_per_worker(found), 5.0)
        self.assertIsNone(descriptors_per_worker(found[:1]))
