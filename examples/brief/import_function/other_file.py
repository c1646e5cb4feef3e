# S82. The file that main.py imports from.
def function() -> str:
    return "from the other file"
