from datetime import datetime

from flask import Flask, render_template_string, request
from flask_babel import Babel, _, format_currency, format_datetime, get_locale, lazy_gettext

from driving import show

app = Flask(__name__)


def choose():
    return request.accept_languages.best_match(["de", "fr", "en"])


babel = Babel(app, locale_selector=choose, default_timezone="Europe/Vienna")
LAZY = lazy_gettext("Lazy %(n)s", n=1)


@app.get("/")
def index():
    when = datetime(2026, 1, 2, 3, 4)
    return render_template_string(
        "{{ _('Hello') }} {{ ngettext('%(num)d apple', '%(num)d apples', 3) }}"
        " {{ when|datetimeformat }} {{ lazy }} {{ rest }}",
        when=when,
        lazy=LAZY,
        rest=[str(get_locale()), format_datetime(when), format_currency(12.5, "EUR"), _("y")],
    )


client = app.test_client()
for language in ("de", "fr,de;q=0.5", "en", "ja"):
    show(client.get("/", headers={"Accept-Language": language}))
