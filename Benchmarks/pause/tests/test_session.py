import unittest

from measure import machine, session


class SessionTests(unittest.TestCase):
    def test_what_the_machine_does_not_allow_is_skipped(self):
        what, reason = session.told("socketpair: Too many open files; raise the limit of open files")
        self.assertEqual(what, "skipped")
        self.assertIn(f"{machine.descriptor_limit():,}", reason)

    def test_all_else_has_failed(self):
        self.assertEqual(session.told("the node ended"), ("failed", "the node ended"))
