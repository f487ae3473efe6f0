import unittest

from measure.cases import Case, bytes_cases, workers_cases
from measure.errors import BenchmarkError


class CasesTests(unittest.TestCase):
    def test_numbers_of_workers_are_sorted_and_unique(self):
        self.assertEqual(workers_cases("10,1,10"), [Case("workers", 1), Case("workers", 10)])
        self.assertEqual(workers_cases(""), [])

    def test_a_size_is_keys_of_one_kibibyte(self):
        self.assertEqual(
            bytes_cases("1M,1K,2048"),
            [Case("bytes", 1, 1, 1024), Case("bytes", 1, 2, 1024), Case("bytes", 1, 1024, 1024)],
        )

    def test_names(self):
        self.assertEqual([case.name for case in workers_cases("1,1000")], ["1 worker", "1,000 workers"])
        self.assertEqual(bytes_cases("1536K")[0].name, "1.5 MiB in one worker")

    def test_what_is_wrong_is_said(self):
        for read, text, sentence in (
            (workers_cases, "1,many", "--workers: 'many' is no number from 1 to 10,000"),
            (workers_cases, "0", "--workers: '0' is no number from 1 to 10,000"),
            (bytes_cases, "1T", "--bytes: '1T' is no size; write 1K, 10M or 1G"),
            (bytes_cases, "1000", "--bytes: 1000 is no multiple of 1K from 1K to 64G; values have 1 KiB"),
        ):
            with self.assertRaises(BenchmarkError) as raised:
                read(text)
            self.assertEqual(str(raised.exception), sentence)
