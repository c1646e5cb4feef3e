"""Forms that read the request, check what came and render themselves, on WTForms.

Source: https://wtforms.readthedocs.io/
"""

from .._extras import missing_extra

try:
    import wtforms as _wtforms  # noqa: F401  # asked for first, to tell which extra is missing
except ModuleNotFoundError as error:
    raise missing_extra("forms", error) from error
from wtforms import ValidationError as ValidationError
from wtforms import widgets as widgets

from . import fields as fields
from . import validators as validators
from ._captcha_check import CaptchaRefused as CaptchaRefused
from ._captcha_check import CaptchaUnavailable as CaptchaUnavailable
from ._macros import add_macros as add_macros
from .captcha import Captcha as Captcha
from .captcha import CaptchaField as CaptchaField
from .captcha import Recaptcha as Recaptcha
from .captcha import RecaptchaField as RecaptchaField
from .csrf import CSRFError as CSRFError
from .csrf import CSRFProtect as CSRFProtect
from .csrf import csrf_meta_tag as csrf_meta_tag
from .csrf import generate_csrf as generate_csrf
from .csrf import renew_csrf as renew_csrf
from .csrf import validate_csrf as validate_csrf
from .field_types import FieldTypes as FieldTypes
from .fields import BooleanField as BooleanField
from .fields import ButtonField as ButtonField
from .fields import Choice as Choice
from .fields import ColorField as ColorField
from .fields import DataList as DataList
from .fields import DataListChoice as DataListChoice
from .fields import DateField as DateField
from .fields import DateTimeField as DateTimeField
from .fields import DateTimeLocalField as DateTimeLocalField
from .fields import DecimalField as DecimalField
from .fields import DecimalRangeField as DecimalRangeField
from .fields import EmailField as EmailField
from .fields import Field as Field
from .fields import FieldList as FieldList
from .fields import FileField as FileField
from .fields import Flags as Flags
from .fields import FloatField as FloatField
from .fields import FormField as FormField
from .fields import HiddenField as HiddenField
from .fields import IntegerField as IntegerField
from .fields import IntegerRangeField as IntegerRangeField
from .fields import Label as Label
from .fields import MonthField as MonthField
from .fields import MultipleFileField as MultipleFileField
from .fields import PasswordField as PasswordField
from .fields import RadioField as RadioField
from .fields import SearchField as SearchField
from .fields import SelectChoice as SelectChoice
from .fields import SelectField as SelectField
from .fields import SelectFieldBase as SelectFieldBase
from .fields import SelectMultipleField as SelectMultipleField
from .fields import StringField as StringField
from .fields import SubmitField as SubmitField
from .fields import TelField as TelField
from .fields import TextAreaField as TextAreaField
from .fields import TimeField as TimeField
from .fields import URLField as URLField
from .fields import WeekField as WeekField
from .fields import enum_choices as enum_choices
from .fields import enum_coerce as enum_coerce
from .fields import enum_datalist as enum_datalist
from .form import Form as Form
from .models import ModelForm as ModelForm
from .models import form_for as form_for
