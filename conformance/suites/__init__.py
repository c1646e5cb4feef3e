"""The peers' own tests, on the real Flask and on erlen, compared test by test."""
