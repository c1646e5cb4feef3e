# S63, S64. Corrected: the client's headers are escaped; app.run only where the file is the program.
from markupsafe import escape

import erlen

app = erlen.Flask(__name__)


@app.route("/")
def index() -> str:
    headers = erlen.request.headers
    return "Request headers:\n" + escape(str(headers))


if __name__ == "__main__":
    # An address of this machine on Linux; on macOS only 127.0.0.1 is, unless set up.
    app.run(host="127.1.0.1", port=8080)
