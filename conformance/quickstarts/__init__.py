"""Extensions used as the first page of their documentation does, on Flask and on erlen."""
