"""Recordings of a demo: pictures, an asciicast, one animated picture."""
