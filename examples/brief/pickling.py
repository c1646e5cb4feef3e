# S77. Corrected: a pickle is bytes, not text; and never unpickle what a user sent: it runs code.
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

thing = {"name": "Ada", "numbers": [1, 2, 3]}

# Pickling: to bytes, and to a file.
pickled = pickle.dumps(thing)
with TemporaryDirectory() as folder:
    with Path(folder, "thing.pickle").open("wb") as file:
        pickle.dump(thing, file)

    # Unpickling: what this program itself has written, and nobody else could change.
    with Path(folder, "thing.pickle").open("rb") as file:
        from_file = pickle.load(file)
from_bytes = pickle.loads(pickled)

print(type(pickled).__name__, from_bytes == thing, from_file == thing)
