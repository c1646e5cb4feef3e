from flask import Flask, render_template_string
from flask_avatars import Avatars
from flask_ckeditor import CKEditor, CKEditorField
from flask_pagedown import PageDown
from flask_pagedown.fields import PageDownField
from flask_wtf import FlaskForm

from driving import show

app = Flask(__name__)
app.secret_key = "k" * 40
app.config["WTF_CSRF_ENABLED"] = False
CKEditor(app)
PageDown(app)
Avatars(app)


class F(FlaskForm):
    a = CKEditorField("A")
    b = PageDownField("B")


@app.route("/", methods=["GET", "POST"])
def i():
    f = F()
    return render_template_string(
        "{{ ckeditor.load() }}{{ ckeditor.config(name='a') }}{{ pagedown.include_pagedown() }}"
        "{{ f.a() }}{{ f.b() }}{{ avatars.gravatar('a'*32) }}",
        f=f,
    )


c = app.test_client()
show(c.get("/"))
show(c.post("/", data={"a": "<b>x</b>", "b": "*y*"}))
for r in sorted(str(x) for x in app.url_map.iter_rules()):
    print(r)
