"""Every validator of WTForms, and those for files.

Source: https://wtforms.readthedocs.io/en/stable/validators/
"""

from __future__ import annotations

import typing as t

import wtforms.validators
from wtforms.validators import URL as URL
from wtforms.validators import UUID as UUID
from wtforms.validators import AnyOf as AnyOf
from wtforms.validators import DataRequired as DataRequired
from wtforms.validators import Disabled as Disabled
from wtforms.validators import Email as Email
from wtforms.validators import EqualTo as EqualTo
from wtforms.validators import InputRequired as InputRequired
from wtforms.validators import IPAddress as IPAddress
from wtforms.validators import Length as Length
from wtforms.validators import MacAddress as MacAddress
from wtforms.validators import NoneOf as NoneOf
from wtforms.validators import NumberRange as NumberRange
from wtforms.validators import Optional as Optional
from wtforms.validators import ReadOnly as ReadOnly
from wtforms.validators import Regexp as Regexp
from wtforms.validators import StopValidation as StopValidation
from wtforms.validators import ValidationError as ValidationError
from wtforms.validators import any_of as any_of
from wtforms.validators import data_required as data_required
from wtforms.validators import disabled as disabled
from wtforms.validators import email as email
from wtforms.validators import equal_to as equal_to
from wtforms.validators import input_required as input_required
from wtforms.validators import ip_address as ip_address
from wtforms.validators import length as length
from wtforms.validators import mac_address as mac_address
from wtforms.validators import none_of as none_of
from wtforms.validators import number_range as number_range
from wtforms.validators import optional as optional
from wtforms.validators import readonly as readonly
from wtforms.validators import regexp as regexp
from wtforms.validators import url as url

from .files import FileAllowed as FileAllowed
from .files import FileRequired as FileRequired
from .files import FileSize as FileSize
from .files import file_allowed as file_allowed
from .files import file_required as file_required
from .files import file_size as file_size

# New in WTForms 3.3: its types do not know them yet.
_untyped: t.Any = wtforms.validators
DateRange = _untyped.DateRange
date_range = _untyped.date_range
