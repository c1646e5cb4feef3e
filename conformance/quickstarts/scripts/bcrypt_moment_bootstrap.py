from flask import Flask, render_template_string
from flask_bcrypt import Bcrypt
from flask_bootstrap import Bootstrap5
from flask_moment import Moment
from flask_wtf import FlaskForm
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired

from driving import show

app = Flask(__name__)
app.config.update(
    SECRET_KEY="k" * 40, WTF_CSRF_ENABLED=False, BCRYPT_LOG_ROUNDS=4, BOOTSTRAP_SERVE_LOCAL=True
)
bcrypt, moment, bootstrap = Bcrypt(app), Moment(app), Bootstrap5(app)


class Form(FlaskForm):
    name = StringField(validators=[DataRequired()])
    submit = SubmitField()


@app.route("/", methods=["GET", "POST"])
def index():
    form = Form()
    done = form.validate_on_submit()
    return render_template_string(
        "{% from 'bootstrap5/form.html' import render_form %}{{ bootstrap.load_css() }}"
        "{{ moment.include_moment(local_js='/moment.js') }}{{ render_form(form) }}{{ done }}",
        form=form,
        done=done,
    )


hashed = bcrypt.generate_password_hash("secret")
print(bcrypt.check_password_hash(hashed, "secret"), bcrypt.check_password_hash(hashed, "no"))
client = app.test_client()
show(client.get("/"))
show(client.post("/", data={"name": "ada"}))
show(client.post("/", data={}))
show(client.get("/bootstrap/static/bootstrap5/css/bootstrap.min.css"), body=False)
