import gzip

from flask import Flask, jsonify, stream_with_context
from flask_compress import Compress

from driving import show

app = Flask(__name__)
compress = Compress()
compress.init_app(app)


@app.get("/")
def index():
    return "<p>hello</p>" * 100


@app.get("/small")
def small():
    return "x"


@app.get("/json")
def json():
    return jsonify(list(range(500)))


@app.get("/dict")
def plain():
    return {"a": list(range(500))}


@app.get("/stream")
def stream():
    return app.response_class(
        stream_with_context(f"{n}\n" for n in range(500)), mimetype="text/plain"
    )


@app.get("/decorated")
@compress.compressed()
def decorated():
    return "y" * 600


client = app.test_client()
for path in ("/", "/small", "/json", "/dict", "/stream", "/decorated"):
    response = show(client.get(path, headers={"Accept-Encoding": "gzip"}), body=False)
    data = response.data
    print(len(gzip.decompress(data)) if response.headers.get("Content-Encoding") else len(data))
    show(client.head(path, headers={"Accept-Encoding": "gzip"}))
first = client.get("/", headers={"Accept-Encoding": "br"})
print(first.headers["Content-Encoding"], first.headers["Vary"])
