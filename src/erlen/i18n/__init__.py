"""Pages in the user's language: messages, dates, numbers, currencies and time zones, on Babel.

Source: https://babel.pocoo.org/
"""

from .._extras import missing_extra

try:
    import babel as _babel  # noqa: F401  # asked for first, to tell which extra is missing
except ModuleNotFoundError as error:
    raise missing_extra("i18n", error) from error

from ._current import force_locale as force_locale
from ._current import get_locale as get_locale
from ._current import get_timezone as get_timezone
from ._current import refresh as refresh
from ._extension import Translations as Translations
from ._lazy import LazyString as LazyString
from .formats import format_currency as format_currency
from .formats import format_date as format_date
from .formats import format_datetime as format_datetime
from .formats import format_decimal as format_decimal
from .formats import format_number as format_number
from .formats import format_percent as format_percent
from .formats import format_scientific as format_scientific
from .formats import format_time as format_time
from .formats import format_timedelta as format_timedelta
from .formats import to_user_timezone as to_user_timezone
from .formats import to_utc as to_utc
from .messages import _ as _
from .messages import gettext as gettext
from .messages import lazy_gettext as lazy_gettext
from .messages import lazy_ngettext as lazy_ngettext
from .messages import lazy_npgettext as lazy_npgettext
from .messages import lazy_pgettext as lazy_pgettext
from .messages import ngettext as ngettext
from .messages import npgettext as npgettext
from .messages import pgettext as pgettext
