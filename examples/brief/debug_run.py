# S54, S55, S83, S84. Corrected: run only where the file is the program; never debug in production.
from erlen import Flask

app = Flask(__name__)


@app.route("/fail")
def fail() -> str:
    raise ZeroDivisionError("look at me in the browser")


if __name__ == "__main__":
    app.run(host="127.0.0.1", debug=True)
