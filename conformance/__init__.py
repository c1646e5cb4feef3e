"""What others wrote for Flask, run against erlen."""
