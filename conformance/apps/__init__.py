"""Applications from the package index, on Flask and on erlen, compared answer by answer."""
