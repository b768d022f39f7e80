#!/usr/bin/python3
"""Checks wire.py against the golden vectors: ./test_vectors.py [golden-vectors.json]"""

import json
import pathlib
import sys
import unittest

import msgpack

import wire

PATH = pathlib.Path(__file__).resolve().parents[2] / "PoolHub.Tests" / "golden-vectors.json"


class GoldenVectors(unittest.TestCase):
    def setUp(self):
        self.vectors = json.loads(PATH.read_text(encoding="utf-8"))

    def each(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                yield vector, bytes.fromhex(vector["hex"])

    def test_every_message_has_vectors(self):
        self.assertEqual(set(wire.FIELDS), {vector["number"] for vector in self.vectors})

    def test_bytes_are_plain_messagepack(self):
        for vector, body in self.each():
            values = msgpack.unpackb(body, raw=False)
            self.assertEqual(vector["number"], values[0])

    def test_fields_are_read(self):
        for vector, body in self.each():
            self.assertEqual((vector["number"], vector["fields"]), wire.decode(body))

    def test_bytes_are_written(self):
        for vector, body in self.each():
            if vector["canonical"]:
                self.assertEqual(vector["hex"], wire.encode(vector["number"], vector["fields"]).hex())

    def test_frames_are_read_byte_by_byte(self):
        stream = b"".join(wire.frame(bytes.fromhex(vector["hex"])) for vector in self.vectors)
        buffer, bodies = bytearray(), []
        for byte in stream:
            buffer.append(byte)
            while (body := wire.take_frame(buffer)) is not None:
                bodies.append(body.hex())
        self.assertEqual([vector["hex"] for vector in self.vectors], bodies)
        self.assertFalse(buffer)

    def test_frames_that_are_no_frames_are_refused_at_the_prefix(self):
        for prefix in ("00000000", "00010001", "ffffffff"):
            with self.subTest(prefix), self.assertRaises(wire.Malformed):
                wire.take_frame(bytearray.fromhex(prefix))

    def test_bodies_cut_short_are_malformed(self):
        for _, body in self.each():
            for length in range(len(body)):
                with self.assertRaises(wire.Malformed):
                    wire.decode(body[:length])


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PATH = pathlib.Path(sys.argv.pop(1))
    unittest.main()
