import unittest
import xml.etree.ElementTree

from measure.errors import BenchmarkError
from report import chart, files, table
from tests import sample

SVG = "{http://www.w3.org/2000/svg}"


class TableTests(unittest.TestCase):
    def test_markdown(self):
        self.assertEqual(
            table.markdown(*table.pauses(sample.result(), "workers")),
            "| workers | release-handlerd | OTP 25 | ratio | OTP 25 quiet |\n"
            "| --- | ---: | ---: | ---: | ---: |\n"
            "| 1 | 2.00 ms (1.50 ms to 2.50 ms) | 1.00 ms (750 µs to 1.25 ms) | 2.00 | 40.0 µs |\n"
            "| 100 | 50.0 ms (50.0 ms to 50.0 ms) | 5.00 ms (5.00 ms to 5.00 ms) | 10.00 | 40.0 µs |",
        )

    def test_what_was_not_measured_is_a_dash(self):
        _, body = table.pauses(sample.result(), "bytes")
        ours = "4.00 ms (4.00 ms to 4.00 ms)"
        self.assertEqual(body, [["1 MiB = 1,024 × 1 KiB", ours, "–", "–", "–", "4.10 ms", "50.0 µs"]])

    def test_plain_columns(self):
        self.assertEqual(table.plain(["a", "long"], [["wide", "1"]]), "a     long\nwide     1")

    def test_remarks_tell_what_is_missing(self):
        machine, descriptors, *missing = table.remarks(sample.result())
        self.assertEqual(
            machine,
            "2 changes of each in each case, alternating; medians, quartiles in parentheses. 2 cores (Sample), 8 GiB, "
            "Debian GNU/Linux 12, Linux 6.1; release-handlerd 0.1.0, OTP 25 (erts 13.1.5); 2026-02-03, load average 0.1 "
            "before the run, 1.2 after it.",
        )
        self.assertEqual(descriptors, "Each worker costs the daemon 5.0 descriptors.")
        self.assertEqual(missing, [
            "1 GiB in one worker: skipped: it needs 6 GiB of memory, 100 MiB are available.",
            "2,000 workers: failed: no more descriptors.",
        ])

    def test_long_reasons_are_cut(self):
        self.assertEqual(table.shortened("a" * 300, most=5), "aaaa…")


class ChartTests(unittest.TestCase):
    def drawn(self, result):
        return xml.etree.ElementTree.fromstring(chart.svg(result))

    def test_a_point_for_each_median_and_a_line_for_each_series(self):
        picture = self.drawn(sample.result())
        # 2 of ours and 2 of OTP's at the workers, 1 of ours at the bytes.
        self.assertEqual(len(picture.findall(f".//{SVG}circle")), 5)
        self.assertEqual(len(picture.findall(f".//{SVG}path")), 3)

    def test_a_shorter_pause_is_drawn_lower(self):
        picture = self.drawn(sample.result())
        ours, otp = [[float(each.get("cy")) for each in picture.findall(f".//{SVG}circle") if each.get("class") == style]
                     for style in ("ours-fill", "otp-fill")]
        self.assertLess(ours[0], otp[0])
        self.assertLess(ours[1], ours[0])

    def test_all_is_within_the_picture(self):
        for each in self.drawn(sample.result()).iter(f"{SVG}circle"):
            self.assertTrue(0 < float(each.get("cx")) < chart.WIDTH and 0 < float(each.get("cy")) < chart.HEIGHT)

    def test_without_measurements_it_is_a_picture_all_the_same(self):
        self.assertEqual(self.drawn(sample.result(cases=[])).findall(f".//{SVG}circle"), [])

    def test_labels_do_not_lie_on_each_other(self):
        self.assertEqual(chart.apart([100, 110]), [87, 123])
        self.assertEqual(chart.apart([110, 100]), [123, 87])
        self.assertEqual(chart.apart([100, 200]), [100, 200])


class DocumentTests(unittest.TestCase):
    def test_what_stands_between_the_markers_is_replaced(self):
        text = f"before\n{files.BEGIN}\nold\n{files.END}\nafter\n"
        once = files.between(text, "new\n", "x.md")
        self.assertEqual(once, f"before\n{files.BEGIN}\n\nnew\n\n{files.END}\nafter\n")
        self.assertEqual(files.between(once, "new\n", "x.md"), once)

    def test_without_markers_it_says_so(self):
        for text in ("", f"{files.END}{files.BEGIN}", f"{files.BEGIN}{files.BEGIN}{files.END}"):
            with self.assertRaisesRegex(BenchmarkError, "^x.md: the lines "):
                files.between(text, "new", "x.md")
